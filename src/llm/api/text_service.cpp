#include "llm/api/text_service.h"

namespace llm {

Result<void> check_fits(const std::vector<Token>& prompt, std::uint32_t context_max) {
    if (prompt.empty())
        return worker::fail(worker::ErrorCode::invalid_request, "the prompt has no tokens");
    if (prompt.size() < context_max) return {};
    return tl::make_unexpected(too_long(prompt.size(), context_max));
}

worker::Error too_long(std::size_t prompt_tokens, std::uint32_t context_max) {
    return {worker::ErrorCode::invalid_request,
            "the prompt has " + std::to_string(prompt_tokens) + " tokens and the context holds " +
                std::to_string(context_max) + ", one of them for the reply: shorten the prompt",
            std::nullopt};
}

}  // namespace llm
