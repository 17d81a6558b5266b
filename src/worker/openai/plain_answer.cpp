#include "worker/openai/plain_answer.h"

#include <boost/json/serialize.hpp>

namespace worker {

Response to_response(tl::expected<PlainAnswer, OpenAiError> answer, const Fields& fields) {
    if (!answer) return to_response(answer.error());
    if (const auto objection = strict_objection(fields, answer->ignored))
        return to_response(*objection);
    if (!answer->ignored.empty())
        answer->json.add_json("x_ignored", boost::json::serialize(ignored_json(answer->ignored)));
    return {.body = answer->json.text()};
}

}  // namespace worker
