// What the worker has from Rust. Each function is one call of a library there; `call.h` makes its
// outcome a Result. Texts are UTF-8 unless said otherwise.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Borrowed for the time of the call.
typedef struct rbee_view {
    const char* bytes;
    size_t size;
} rbee_view;

// Owned by whoever got it, until rbee_text_free.
typedef struct rbee_text {
    char* bytes;
    size_t size;
    size_t capacity;
} rbee_text;

void rbee_text_free(rbee_text text);

// How a call went. In each case its rbee_text was written: the answer, or why there is none.
typedef int32_t rbee_outcome;
enum { rbee_done = 0, rbee_refused = 1, rbee_panicked = 2 };

// Chat templates. A compiled one is immutable. Thread: any.
typedef struct rbee_template rbee_template;

// `*compiled` is null unless the call is done. `bos` and `eos` are empty where a model has none.
rbee_outcome rbee_template_compile(rbee_view source, rbee_view bos, rbee_view eos,
                                   rbee_template** compiled, rbee_text* error);
// `context` is a JSON object; `now` counts seconds since 1970.
rbee_outcome rbee_template_render(const rbee_template* compiled, rbee_view context, int64_t now,
                                  rbee_text* rendered);
void rbee_template_free(rbee_template* compiled);

// Grammars over the tokens of one model. A vocabulary is immutable. Thread: any.
typedef struct rbee_vocabulary rbee_vocabulary;

// Token i is the bytes [offsets[i], offsets[i + 1]): of any kind, 0xFF before the spelling of a
// control token, none for a token that no grammar may use. `ends` are the tokens that end a reply.
rbee_outcome rbee_vocabulary_make(rbee_view bytes, const uint32_t* offsets, size_t count,
                                  const int32_t* ends, size_t ends_count,
                                  rbee_vocabulary** vocabulary, rbee_text* error);
void rbee_vocabulary_free(rbee_vocabulary* vocabulary);

// What one reply may say. Needs no vocabulary to outlive it. Thread: one at a time.
typedef struct rbee_constraint rbee_constraint;

// A Lark grammar of the worker's own may be longer than a caller's.
enum { rbee_json_schema = 0, rbee_regex = 1, rbee_lark = 2, rbee_own_lark = 3 };
rbee_outcome rbee_constraint_make(const rbee_vocabulary* vocabulary, int32_t kind, rbee_view text,
                                  rbee_constraint** constraint, rbee_text* error);
// Writes one bit a token, the lowest first: `count` is ceil(tokens / 32).
rbee_outcome rbee_constraint_allowed(rbee_constraint* constraint, uint32_t* words, size_t count,
                                     rbee_text* error);
rbee_outcome rbee_constraint_accept(rbee_constraint* constraint, uint32_t token, rbee_text* error);
void rbee_constraint_free(rbee_constraint* constraint);

// Answers {"schema": text, "unsupported": [{"keyword", "path"}]}: the schema without what is not
// enforced, and what that was.
rbee_outcome rbee_schema_check(rbee_view schema, rbee_text* report);

#ifdef __cplusplus
}
#endif
