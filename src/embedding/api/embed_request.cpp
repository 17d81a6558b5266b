#include "embedding/api/embed_request.h"

#include "embedding/api/embedding_service.h"
#include "worker/http/job_wishes.h"

namespace embedding {

EmbedRules embed_rules(const NativeLimits& limits) {
    using worker::optional_field;
    using worker::required_field;
    using Request = EmbedRequest;

    const worker::Text text = limits.input_chars_max == 0
                                  ? worker::Text{.non_empty = true}
                                  : worker::Text{.characters_max = limits.input_chars_max};
    return {
        optional_field("job_id", &Request::job_id, worker::job_id_form),
        required_field("input", &Request::input,
                       {.count_max = inputs_max,
                        .noun = "texts",
                        .item_noun = "input",
                        .item = text,
                        .non_empty = true,
                        .lone_text = worker::LoneText::accepted}),
        optional_field("stream", &Request::stream),
        optional_field("priority", &Request::priority, worker::priority_form),
        optional_field("operation", &Request::operation),
    };
}

}  // namespace embedding
