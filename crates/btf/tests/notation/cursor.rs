//! A place in a line of text.

pub struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub fn new(line: &'a str) -> Cursor<'a> {
        Cursor { rest: line.trim() }
    }

    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn peek(&self, next: char) -> bool {
        self.rest.starts_with(next)
    }

    fn skip(&mut self, bytes: usize) -> &'a str {
        let (skipped, rest) = self.rest.split_at(bytes);
        self.rest = rest.trim_start();
        skipped
    }

    /// Goes past `token` if it is next.
    pub fn accept(&mut self, token: &str) -> bool {
        let next = self.rest.starts_with(token);
        if next {
            self.skip(token.len());
        }
        next
    }

    pub fn expect(&mut self, token: &str) {
        assert!(self.accept(token), "expected {token} before {:?}", self.rest);
    }

    pub fn word(&mut self) -> String {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_?".contains(c));
        let word = self.skip(end.unwrap_or(self.rest.len())).to_string();
        assert!(!word.is_empty(), "expected a word before {:?}", self.rest);
        word
    }

    /// A decimal or (with 0x) hexadecimal number, maybe negative.
    pub fn number(&mut self) -> i128 {
        let negative = self.accept("-");
        let digits = self.word();
        let number = match digits.strip_prefix("0x") {
            Some(hex) => i128::from_str_radix(hex, 16),
            None => digits.parse(),
        };
        let number = number.unwrap_or_else(|_| panic!("{digits} is no number"));
        if negative { -number } else { number }
    }

    /// The bytes between two quotes, where `\xNN` is a byte.
    pub fn quoted(&mut self, quote: char) -> Vec<u8> {
        assert!(self.peek(quote), "expected {quote} before {:?}", self.rest);
        let end = self.rest[1..].find(quote).expect("a closing quote") + 1;
        let inside = &self.rest[1..end];
        self.skip(end + 1);
        let mut bytes = Vec::new();
        let mut pieces = inside.split("\\x");
        bytes.extend(pieces.next().unwrap_or_default().bytes());
        for piece in pieces {
            bytes.push(u8::from_str_radix(&piece[..2], 16).expect("two hexadecimal digits"));
            bytes.extend(piece[2..].bytes());
        }
        bytes
    }
}
