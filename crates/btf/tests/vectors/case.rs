//! One case of a file of cases.

/// From one `### title` to the next.
pub struct Case {
    pub title: &'static str,
    pub text: &'static str,
}

/// Splits a file; what comes before the first title says what the file is about.
pub fn cases(file: &'static str) -> Vec<Case> {
    let cases: Vec<_> = file.split("\n### ").skip(1).map(|case| case.split_once('\n').unwrap()).collect();
    assert!(!cases.is_empty());
    cases.into_iter().map(|(title, text)| Case { title, text }).collect()
}

impl Case {
    /// The lines between the line `name:` and the next line that is such a name.
    pub fn part(&self, name: &str) -> Option<String> {
        let mut lines = self.text.lines().skip_while(|line| line.strip_suffix(':') != Some(name));
        lines.next()?;
        let part = lines.take_while(|line| line.starts_with('[') || line.starts_with("strings"));
        Some(part.flat_map(|line| [line, "\n"]).collect())
    }

    /// What follows `name: ` on its line.
    pub fn line(&self, name: &str) -> Option<&str> {
        self.text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}
