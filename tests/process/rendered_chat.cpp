// What chat templates make of messages, to be held against Python's jinja2.
//
//     rendered_chat < requests > replies
//
// Each line is one JSON object: {"source", "bos", "eos", "now", "context"} becomes {"text"} or
// {"error"}.
#include "llm/text/chat_template.h"

#include <boost/json.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <string_view>

namespace {

std::string text_of(const boost::json::object& request, std::string_view name) {
    return std::string(request.at(name).as_string());
}

llm::Result<std::string> render(const boost::json::object& request) {
    const llm::SpecialTexts special = {.bos = text_of(request, "bos"),
                                       .eos = text_of(request, "eos")};
    const auto compiled = llm::ChatTemplate::compile(text_of(request, "source"), special);
    if (!compiled) return worker::fail(compiled.error());
    const worker::Clock::WallTime now(std::chrono::seconds(request.at("now").as_int64()));
    return compiled->render(request.at("context").as_object(), now);
}

}  // namespace

int main() {
    for (std::string line; std::getline(std::cin, line);) {
        const llm::Result<std::string> text = render(boost::json::parse(line).as_object());
        boost::json::object reply;
        reply[text ? "text" : "error"] = text ? *text : text.error().message;
        std::cout << boost::json::serialize(reply) << '\n';
    }
}
