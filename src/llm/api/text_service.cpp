#include "llm/api/text_service.h"

namespace llm {

Result<void> check_fits(const std::vector<Token>& prompt, std::uint32_t context_max) {
    if (prompt.empty())
        return worker::fail(worker::ErrorCode::invalid_request, "the prompt has no tokens");
    if (prompt.size() < context_max) return {};
    return worker::fail(worker::ErrorCode::invalid_request,
                        "the prompt has " + std::to_string(prompt.size()) +
                            " tokens and the context holds " + std::to_string(context_max) +
                            ", one of them for the reply: shorten the prompt");
}

}  // namespace llm
