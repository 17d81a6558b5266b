#include "llm/api/generate_request.h"

#include "worker/http/job_wishes.h"

namespace llm {

GenerateRules generate_rules(const NativeLimits& limits) {
    using worker::optional_field;
    using worker::required_field;
    using Request = GenerateRequest;

    const worker::Text prompt = limits.prompt_chars_max == 0
                                    ? worker::Text{.non_empty = true}
                                    : worker::Text{.characters_max = limits.prompt_chars_max};
    const std::uint32_t output_tokens_max =
        limits.output_tokens_max == 0 ? limits.context_tokens : limits.output_tokens_max;
    return {
        optional_field("job_id", &Request::job_id, worker::job_id_form),
        required_field("prompt", &Request::prompt, prompt),
        required_field("max_tokens", &Request::max_tokens, {.min = 1, .max = output_tokens_max}),
        optional_field("temperature", &Request::temperature, {.min = 0.0, .max = 2.0}),
        optional_field("top_p", &Request::top_p, {.min = 0.0, .max = 1.0}),
        optional_field("repetition_penalty", &Request::repetition_penalty,
                       {.min = 0.0, .max = 2.0}),
        optional_field("stop", &Request::stop,
                       {.count_max = 4,
                        .noun = "sequences",
                        .item_noun = "stop sequence",
                        .item = {.non_empty = true, .bytes_max = 100}}),
        optional_field("min_p", &Request::min_p, {.min = 0.0, .max = 1.0}),
        optional_field("top_k", &Request::top_k),
        optional_field("repeat_last_n", &Request::repeat_last_n),
        optional_field("seed", &Request::seed),
        optional_field("ignore_eos", &Request::ignore_eos),
        optional_field("stream", &Request::stream),
        optional_field("priority", &Request::priority, worker::priority_form),
        optional_field("operation", &Request::operation),
    };
}

tl::expected<GenerateRequest, worker::Violations> parse_generate_request(
    const boost::json::value& body, const GenerateRules& rules) {
    auto request = worker::parse_request(body, rules);
    // Callers in the field send 0 for "no penalty", where the formula would divide by it.
    if (request && request->repetition_penalty == 0.0) request->repetition_penalty = 1.0;
    return request;
}

}  // namespace llm
