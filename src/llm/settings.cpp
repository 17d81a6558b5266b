#include "llm/settings.h"

#include "worker/app/flag_value.h"

namespace llm {

using worker::number;
using worker::sets;
using namespace std::chrono_literals;

worker::FlagGroup text_flags(TextSettings& settings) {
    return {
        "Text",
        {
            {.name = "max-prompt-chars",
             .value_word = "N",
             .help = "Characters of a prompt on the native route; 0 is as many as the context "
                     "holds.",
             .setting = sets(settings.prompt_chars_max,
                             number<std::uint32_t>({.min = 0, .max = 1u << 30}))},
            {.name = "max-output-tokens",
             .value_word = "N",
             .help = "The largest max_tokens on the native route; 0 is as many as the context "
                     "holds.",
             .setting = sets(settings.output_tokens_max,
                             number<std::uint32_t>({.min = 0, .max = 1u << 30}))},
            {.name = "stop-max",
             .value_word = "N",
             .help = "Stop strings that an OpenAI request may have.",
             .setting =
                 sets(settings.stop_strings_max, number<std::uint32_t>({.min = 1, .max = 16}))},
            {.name = "max-gap",
             .value_word = "TIME",
             .help = "The longest pause that a new prompt may put into a running stream.",
             .setting = sets(settings.gap_max, worker::duration({.min = 1ms, .max = 10s}))},
            {.name = "cache-ram",
             .value_word = "SIZE",
             .help = "Host memory for texts that are computed and may come again; 0 keeps none.",
             .default_text = "a quarter of what is free, at most 8GiB",
             .setting = sets(settings.cache_bytes,
                             worker::byte_size({.min = 0, .max = std::uint64_t{1} << 50}))},
            {.name = "chat-template",
             .value_word = "T",
             .help = "The chat template: a file or a name.",
             .default_text = "the model's",
             .setting = sets(settings.chat_template, worker::plain_text())},
            {.name = "any-model",
             .help = "OpenAI routes answer whatever model a request names.",
             .setting = sets(settings.any_model, worker::yes_or_no())},
            {.name = "use-model-defaults",
             .help = "Sampling values that a request leaves out are those that the model "
                     "recommends, in place of OpenAI's.",
             .setting = sets(settings.use_model_defaults, worker::yes_or_no())},
        }};
}

}  // namespace llm
