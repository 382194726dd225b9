//! Reads a BTF and looks at every type, name and reference: `read FILE [ROUNDS]`.
//!
//! What it prints lets `npm run bench`, which times it beside a program that does the same with libbpf, see that both
//! have looked at the same.

use btfkit_btf::Btf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("usage: read FILE [ROUNDS]")?;
    let rounds: u32 = args.next().map_or(Ok(1), |rounds| rounds.parse())?;
    let (mut types, mut names, mut references) = (0u64, 0u64, 0u64);
    for _ in 0..rounds {
        let btf = Btf::parse(std::fs::read(&path)?)?;
        for (_, record) in btf.records() {
            types += 1;
            record.names(|offset| names += btf.string(offset).unwrap_or_default().len() as u64);
            record.references(|id| references += u64::from(id.0));
        }
    }
    println!("{types} types, {names} bytes of names, references add up to {references}");
    Ok(())
}
