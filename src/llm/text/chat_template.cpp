#include "llm/text/chat_template.h"

#include "ffi/call.h"

#include <boost/json/serialize.hpp>

#include <chrono>
#include <utility>

namespace llm {

void ChatTemplate::Free::operator()(rbee_template* compiled) const {
    rbee_template_free(compiled);
}

Result<ChatTemplate> ChatTemplate::compile(std::string_view source, const SpecialTexts& special) {
    rbee_template* compiled = nullptr;
    const Result<std::string> outcome = ffi::call([&](rbee_text* error) {
        return rbee_template_compile(ffi::view(source), ffi::view(special.bos),
                                     ffi::view(special.eos), &compiled, error);
    });
    if (!outcome) return worker::fail(outcome.error());
    return ChatTemplate(Compiled(compiled));
}

Result<std::string> ChatTemplate::render(const boost::json::object& context,
                                         worker::Clock::WallTime now) const {
    const std::string json = boost::json::serialize(context);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
    return ffi::call([&](rbee_text* rendered) {
        return rbee_template_render(compiled_.get(), ffi::view(json), seconds.count(), rendered);
    });
}

}  // namespace llm
