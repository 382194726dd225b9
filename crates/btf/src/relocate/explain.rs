//! What the new base has in place of what was not found.

use super::matching::{Found, by_name, candidates, misfit};
use super::{Cause, Namesake, Obstacle, Stub};
use crate::Btf;

/// Stubs that were not found, or found twice; none when all is well. Ambiguous ones come first, in the order in which
/// the kernel meets the second find, then the others by id.
pub(super) fn obstacles(stubs: &[Stub], found: &[Found], target: &Btf) -> Vec<Obstacle> {
    let in_the_way = stubs.iter().zip(found).filter_map(|(stub, found)| {
        let cause = match (found.first, found.second) {
            (Some(first), Some(second)) => Cause::Ambiguous { first, second },
            (Some(_), None) => return None,
            (None, _) => Cause::Missing,
        };
        Some(Obstacle { stub: stub.clone(), cause, instead: Vec::new() })
    });
    let mut obstacles: Vec<_> = in_the_way.collect();
    if obstacles.is_empty() {
        return obstacles;
    }
    obstacles.sort_by_key(|obstacle| match obstacle.cause {
        Cause::Ambiguous { second, .. } => (false, second, obstacle.stub.id),
        _ => (true, obstacle.stub.id, obstacle.stub.id),
    });
    let wanted: Vec<Stub> = obstacles.iter().map(|obstacle| obstacle.stub.clone()).collect();
    let by_name = by_name(&wanted);
    for (candidate, name) in candidates(target, |name| by_name.contains_key(name)) {
        for &at in &by_name[name] {
            let obstacle = &mut obstacles[at];
            let is_cause = match obstacle.cause {
                Cause::Ambiguous { first, second } => [first, second].contains(&candidate.id),
                _ => false,
            };
            let misfit = misfit(&obstacle.stub, obstacle.stub.part_of.is_some(), &candidate).filter(|_| !is_cause);
            if obstacle.cause == Cause::Missing {
                obstacle.cause = Cause::Different;
            }
            if obstacle.instead.len() < Obstacle::NAMESAKES || is_cause {
                let (id, kind, size) = (candidate.id, candidate.kind, candidate.record.size_or_type());
                obstacle.instead.push(Namesake { id, kind, size, misfit });
            }
        }
    }
    obstacles
}
