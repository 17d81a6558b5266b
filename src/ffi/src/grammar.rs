//! Grammars, by llguidance: which tokens may come next in a reply.

use std::sync::Arc;

use llguidance::api::{ParserLimits, TopLevelGrammar};
use llguidance::earley::SlicedBiasComputer;
use llguidance::toktrie::{ApproximateTokEnv, InferenceCapabilities, TokEnv, TokRxInfo, TokTrie};
use llguidance::{Matcher, ParserFactory};

use crate::boundary::{answer, destroy, with_deep_stack, Text, View};
use crate::schema::{as_grammar, keep_bounds_within};

/// No more than what a few dozen kilobytes of schema need; each is said of one reply, of which
/// there are as many at a time as slots.
pub fn limits() -> ParserLimits {
    ParserLimits {
        max_items_in_row: 600,
        initial_lexer_fuel: 1_000_000,
        step_lexer_fuel: 200_000,
        step_max_items: 50_000,
        max_lexer_states: 50_000,
        max_grammar_size: 500_000,
        precompute_large_lexemes: true,
        verbose_errors: false,
    }
}

/// Lark can say things whose work grows with the cube of their number. Whoever writes such a grammar
/// by hand needs fewer.
const LARK_BYTES_MAX: usize = 32 << 10;
const LARK_BRANCHES_MAX: usize = 1_000;

pub struct Vocabulary {
    factory: ParserFactory,
}

pub struct Constraint {
    matcher: Matcher,
}

/// Constraints are made on one thread and used on another.
const fn is_send<T: Send>() {}
const _: () = is_send::<Constraint>();
const fn is_shared<T: Send + Sync>() {}
const _: () = is_shared::<Vocabulary>();

impl Vocabulary {
    fn make(tokens: Vec<Vec<u8>>, ends: &[u32]) -> Result<Vocabulary, String> {
        let end = *ends.first().ok_or("the vocabulary has no token that ends a reply")?;
        let about = TokRxInfo::new(tokens.len() as u32, end);
        let trie = TokTrie::from(&about, &tokens).with_eos_tokens(ends);
        let environment: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
        let capabilities = InferenceCapabilities::default();
        let slices = SlicedBiasComputer::general_slices();
        let mut factory =
            ParserFactory::new(&environment, capabilities, &slices).map_err(in_short)?;
        factory.quiet();
        *factory.limits_mut() = limits();
        Ok(Vocabulary { factory })
    }

    fn constrain(&self, kind: i32, text: &str) -> Result<Constraint, String> {
        let grammar = match kind {
            0 => TopLevelGrammar::from_json_schema(as_grammar(text)?),
            1 => TopLevelGrammar::from_regex(text),
            2 => TopLevelGrammar::from_lark(within_bounds(text)?.into()),
            _ => TopLevelGrammar::from_lark(text.into()),
        };
        if kind >= 2 {
            keep_bounds_within(text)?;
        }
        let parser = self.factory.create_parser(grammar).map_err(in_short)?;
        let mut matcher = Matcher::new(Ok(parser));
        // What is too much for the first token is better known before the reply begins.
        matcher.compute_mask_or_eos().map_err(in_short)?;
        Ok(Constraint { matcher })
    }
}

fn within_bounds(lark: &str) -> Result<&str, String> {
    let branches = lark.bytes().filter(|byte| b"|?*+".contains(byte)).count();
    if lark.len() > LARK_BYTES_MAX || branches > LARK_BRANCHES_MAX {
        return Err(format!(
            "a Lark grammar may have {LARK_BYTES_MAX} bytes and {LARK_BRANCHES_MAX} of | ? * + at \
             most"
        ));
    }
    Ok(lark)
}

/// What went wrong without the drawings around it, and what is for the library's own authors.
pub fn in_short(error: impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut lines = text.lines();
    let mut short = lines.next().unwrap_or_default().to_string();
    if let Some(reason) = lines.find_map(|line| line.strip_prefix("error: ")) {
        short = format!("{short} {reason}");
    }
    match short.starts_with("panic") {
        true => "it is more than can be compiled".into(),
        false => short.chars().take(500).collect(),
    }
}

/// # Safety
/// As many offsets as tokens, and one more; they ascend and end with the size of `bytes`.
unsafe fn cut(bytes: &[u8], offsets: *const u32, count: usize) -> Vec<Vec<u8>> {
    let offsets = std::slice::from_raw_parts(offsets, count + 1);
    offsets.windows(2).map(|pair| bytes[pair[0] as usize..pair[1] as usize].to_vec()).collect()
}

#[no_mangle]
pub unsafe extern "C" fn rbee_vocabulary_make(
    bytes: View,
    offsets: *const u32,
    count: usize,
    ends: *const u32,
    ends_count: usize,
    vocabulary: *mut *mut Vocabulary,
    error: *mut Text,
) -> i32 {
    vocabulary.write(std::ptr::null_mut());
    answer(error, || {
        let ends = match ends_count {
            0 => &[],
            count => std::slice::from_raw_parts(ends, count),
        };
        let made = Vocabulary::make(cut(bytes.bytes(), offsets, count), ends)?;
        vocabulary.write(Box::into_raw(Box::new(made)));
        Ok(String::new())
    })
}

#[no_mangle]
pub unsafe extern "C" fn rbee_vocabulary_free(vocabulary: *mut Vocabulary) {
    destroy(vocabulary);
}

#[no_mangle]
pub unsafe extern "C" fn rbee_constraint_make(
    vocabulary: *const Vocabulary,
    kind: i32,
    text: View,
    constraint: *mut *mut Constraint,
    error: *mut Text,
) -> i32 {
    constraint.write(std::ptr::null_mut());
    answer(error, || {
        let (vocabulary, text) = (&*vocabulary, text.text()?);
        let made = with_deep_stack(|| vocabulary.constrain(kind, text))?;
        constraint.write(Box::into_raw(Box::new(made)));
        Ok(String::new())
    })
}

#[no_mangle]
pub unsafe extern "C" fn rbee_constraint_allowed(
    constraint: *mut Constraint,
    words: *mut u32,
    count: usize,
    error: *mut Text,
) -> i32 {
    answer(error, || {
        let mask = (*constraint).matcher.compute_mask_or_eos().map_err(in_short)?;
        if mask.is_zero() {
            return Err("no token can follow".into());
        }
        let words = std::slice::from_raw_parts_mut(words, count);
        words.copy_from_slice(mask.as_slice().get(..count).ok_or("the mask is too short")?);
        Ok(String::new())
    })
}

#[no_mangle]
pub unsafe extern "C" fn rbee_constraint_accept(
    constraint: *mut Constraint,
    token: u32,
    error: *mut Text,
) -> i32 {
    answer(error, || {
        (*constraint).matcher.consume_token(token).map_err(in_short)?;
        Ok(String::new())
    })
}

#[no_mangle]
pub unsafe extern "C" fn rbee_constraint_free(constraint: *mut Constraint) {
    destroy(constraint);
}
