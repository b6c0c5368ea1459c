//! Huffman codes as JPEG stores them: how many there are of each length, and their symbols. Knows
//! no images.

/// The longest code that a JPEG file may have.
const LONGEST: usize = 16;
/// Codes up to this length are found with one look.
const AT_ONCE: u32 = 9;
/// One more than all symbols: it takes the code of ones only, which JPEG forbids.
const FORBIDDEN: usize = 256;

/// How often each symbol comes.
#[derive(Clone, Debug)]
pub(crate) struct Counts([u64; FORBIDDEN]);

impl Counts {
    pub(crate) fn new() -> Self {
        Self([0; FORBIDDEN])
    }

    pub(crate) fn add(&mut self, symbol: u8) {
        self.0[usize::from(symbol)] += 1;
    }
}

/// A table of codes: for each length from 1 to 16 how many there are, and the symbols from short to
/// long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Codes {
    pub(crate) lengths: [u8; LONGEST],
    pub(crate) symbols: Vec<u8>,
}

impl Codes {
    /// The codes with which symbols that come this often take the fewest bits.
    ///
    /// Huffman's method; then lengths above 16 are brought down as annex K.2 of the JPEG standard
    /// does it, which costs next to nothing, for only symbols of which there are one in thousands
    /// have such.
    pub(crate) fn shortest(counts: &Counts) -> Self {
        let mut of_length = [0_usize; FORBIDDEN + 1];
        let lengths = huffman(counts);
        for length in lengths.iter().filter(|length| **length > 0) {
            of_length[*length] += 1;
        }
        for length in (LONGEST + 1..of_length.len()).rev() {
            while of_length[length] > 0 {
                // Two siblings: one takes the code of both, the other the place beside a shorter
                // one.
                let shorter = (1..length - 1).rev().find(|shorter| of_length[*shorter] > 0);
                let shorter = shorter.expect("a code of this length has shorter ones beside it");
                of_length[length] -= 2;
                of_length[length - 1] += 1;
                of_length[shorter + 1] += 2;
                of_length[shorter] -= 1;
            }
        }
        // The longest code is that of ones only.
        if let Some(most) = (1..=LONGEST).rev().find(|length| of_length[*length] > 0) {
            of_length[most] -= 1;
        }
        let mut symbols: Vec<u8> =
            (0..=u8::MAX).filter(|symbol| lengths[usize::from(*symbol)] > 0).collect();
        symbols.sort_by_key(|symbol| lengths[usize::from(*symbol)]);
        let lengths = std::array::from_fn(|at| u8::try_from(of_length[at + 1]).unwrap_or(u8::MAX));
        Self { lengths, symbols }
    }

    /// Each symbol with its code and the code's length, in order.
    fn iter(&self) -> impl Iterator<Item = (u8, u32, u32)> {
        let lengths = (1..)
            .zip(&self.lengths)
            .flat_map(|(length, count)| std::iter::repeat_n(length, usize::from(*count)));
        let (mut code, mut before) = (0_u32, 0_u32);
        self.symbols.iter().zip(lengths).map(move |(symbol, length)| {
            code <<= length - before;
            before = length;
            let this = code;
            code += 1;
            (*symbol, this, length)
        })
    }

    /// For each symbol its code and the code's length; 0 for those that have none.
    pub(crate) fn to_write(&self) -> [(u32, u32); FORBIDDEN] {
        let mut codes = [(0, 0); FORBIDDEN];
        for (symbol, code, length) in self.iter() {
            codes[usize::from(symbol)] = (code, length);
        }
        codes
    }

    /// For looking up the symbol that the next bits begin with.
    pub(crate) fn to_read(&self) -> Reader {
        let mut reader = Reader { at_once: [(0, 0); 1 << AT_ONCE], longer: Vec::new() };
        for (symbol, code, length) in self.iter() {
            if length <= AT_ONCE {
                let first = (code << (AT_ONCE - length)) as usize;
                let all = reader.at_once.iter_mut().skip(first).take(1 << (AT_ONCE - length));
                all.for_each(|entry| *entry = (symbol, length));
            } else {
                // Codes grow from left to right, so the first whose end is above the bits is
                // theirs.
                let end = u64::from(code + 1) << (16 - length);
                reader.longer.push((u32::try_from(end).unwrap_or(u32::MAX), symbol, length));
            }
        }
        reader
    }
}

/// Looks up codes.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    at_once: [(u8, u32); 1 << AT_ONCE],
    /// For longer codes, in order: the first 16 bits that are above it, its symbol, its length.
    longer: Vec<(u32, u8, u32)>,
}

impl Reader {
    /// The symbol and the length of the code that these 16 bits begin with.
    pub(crate) fn find(&self, bits: u32) -> Option<(u8, u32)> {
        let (symbol, length) =
            self.at_once[(bits >> (16 - AT_ONCE)) as usize & ((1 << AT_ONCE) - 1)];
        if length > 0 {
            return Some((symbol, length));
        }
        let at = self.longer.partition_point(|(end, ..)| *end <= bits);
        self.longer.get(at).map(|(_, symbol, length)| (*symbol, *length))
    }
}

/// The length of each symbol's code by Huffman's method; 0 for those that do not come.
fn huffman(counts: &Counts) -> [usize; FORBIDDEN + 1] {
    let mut lengths = [0; FORBIDDEN + 1];
    // Groups of symbols under one node, with their sum; of equal sums the one with the forbidden
    // code goes deepest.
    let mut groups: Vec<(u64, Vec<usize>)> =
        (0..FORBIDDEN).filter(|at| counts.0[*at] > 0).map(|at| (counts.0[at], vec![at])).collect();
    groups.push((0, vec![FORBIDDEN]));
    if groups.len() == 1 {
        lengths[FORBIDDEN] = 1;
    }
    while groups.len() > 1 {
        groups.sort_by_key(|group| std::cmp::Reverse(group.0));
        let (Some(mut least), Some(next)) = (groups.pop(), groups.pop()) else { break };
        least.0 += next.0;
        least.1.extend(next.1);
        least.1.iter().for_each(|at| lengths[*at] += 1);
        groups.push(least);
    }
    lengths
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn codes(counts: &[u64]) -> Codes {
        let mut all = Counts::new();
        all.0[..counts.len()].copy_from_slice(counts);
        Codes::shortest(&all)
    }

    proptest! {
        #[test]
        fn every_symbol_that_comes_has_a_code_and_is_found_by_it(
            counts in proptest::collection::vec(prop_oneof![Just(0), 1_u64..9, 1_u64..1_000_000], 0..256),
        ) {
            let codes = codes(&counts);
            let (write, read) = (codes.to_write(), codes.to_read());
            let mut taken = 0;
            for (symbol, count) in counts.iter().enumerate() {
                let (code, length) = write[symbol];
                prop_assert_eq!(length > 0, *count > 0);
                if length > 0 {
                    prop_assert!(length <= 16 && code < (1 << length) - 1, "not of ones only");
                    taken += 1_u32 << (16 - length);
                    for rest in [0, (1 << (16 - length)) - 1] {
                        let found = read.find(code << (16 - length) | rest);
                        prop_assert_eq!(found, Some((u8::try_from(symbol).unwrap(), length)));
                    }
                }
            }
            prop_assert!(taken < 1 << 16, "no two codes share bits, and one is left");
        }
    }

    #[test]
    fn codes_that_would_be_too_long_are_brought_down() {
        let mut counts = vec![1_u64, 1];
        while counts.len() < 60 {
            counts.push(counts[counts.len() - 1] + counts[counts.len() - 2]);
        }
        let codes = codes(&counts);
        assert_eq!(codes.symbols.len(), 60);
        assert_eq!(codes.lengths.iter().map(|count| usize::from(*count)).sum::<usize>(), 60);
        assert_eq!(codes.symbols[0], 59, "the one that comes most is the shortest");
    }

    #[test]
    fn what_comes_often_is_short() {
        let codes = codes(&[1_000, 1, 1, 500]);
        let written = codes.to_write();
        assert_eq!([written[0].1, written[3].1], [1, 2]);
    }
}
