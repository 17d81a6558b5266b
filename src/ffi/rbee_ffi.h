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

#ifdef __cplusplus
}
#endif
