//! Values drawn for one run of one case, and values captured from answers.
//!
//! A draw depends on the run's seed, the case, the repetition and the name only, never on order or time, so a run
//! with the same seed sends the same bytes however its cases are spread over workers.

use std::collections::BTreeMap;

use civispec_wire::json::Json;

/// The variables of one play of a case.
#[derive(Debug, Clone, Default)]
pub struct Vars {
    salt: u64,
    values: BTreeMap<String, Json>,
}

impl Vars {
    /// Variables for one play: `seed` of the run, `case` id, and a `turn` that tells repetitions and controls apart.
    #[must_use]
    pub fn new(seed: u64, case: &str, turn: u64) -> Self {
        let salt = case.bytes().fold(mix(seed ^ mix(turn)), |h, b| mix(h ^ u64::from(b)));
        Self { salt, values: BTreeMap::new() }
    }

    /// The value of a name: captured, or drawn at first sight.
    pub fn get(&mut self, name: &str) -> Json {
        if let Some(value) = self.values.get(name) {
            return value.clone();
        }
        let value = if name.starts_with('n') {
            let n = 100_000 + self.number(name) % 900_000;
            Json::from(i64::try_from(n).unwrap_or(100_000))
        } else {
            Json::String(self.token(name))
        };
        self.values.insert(name.to_owned(), value.clone());
        value
    }

    /// Twelve letters and digits for a name, never the same for another case, turn or name but by a rare accident.
    #[must_use]
    pub fn token(&self, name: &str) -> String {
        const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let mut h = self.number(name);
        let mut text = String::with_capacity(12);
        for _ in 0..12 {
            text.push(char::from(ALPHABET[(h % 32) as usize]));
            h = mix(h);
        }
        text
    }

    /// Keeps a value that an answer showed.
    pub fn capture(&mut self, name: &str, value: Json) {
        self.values.insert(name.to_owned(), value);
    }

    fn number(&self, name: &str) -> u64 {
        name.bytes().fold(self.salt, |h, b| mix(h ^ u64::from(b)))
    }
}

/// One step of SplitMix64.
#[must_use]
pub const fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_seed_case_turn_and_name_and_on_nothing_else() {
        let mut a = Vars::new(7, "pipe/x", 0);
        let mut b = Vars::new(7, "pipe/x", 0);
        let (n, s) = (a.get("n"), a.get("s"));
        assert_eq!((b.get("s"), b.get("n")), (s.clone(), n.clone()));
        for mut other in [Vars::new(8, "pipe/x", 0), Vars::new(7, "pipe/y", 0), Vars::new(7, "pipe/x", 1)] {
            assert_ne!(other.get("s"), s);
        }
        assert!((100_000..1_000_000).contains(&n.as_i64().unwrap()));
        assert_eq!(s.as_str().unwrap().len(), 12);
    }
}
