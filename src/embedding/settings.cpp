#include "embedding/settings.h"

#include "worker/app/flag_value.h"

namespace embedding {

using worker::sets;

worker::FlagGroup embedding_flags(EmbeddingSettings& settings) {
    return {"Embeddings",
            {
                {.name = "max-input-chars",
                 .value_word = "N",
                 .help = "Characters of an input on the native route; 0 is as many as the context "
                         "holds.",
                 .setting = sets(settings.input_chars_max,
                                 worker::number<std::uint32_t>({.min = 0, .max = 1u << 30}))},
                {.name = "any-model",
                 .help = "OpenAI routes answer whatever model a request names.",
                 .setting = sets(settings.any_model, worker::yes_or_no())},
            }};
}

}  // namespace embedding
