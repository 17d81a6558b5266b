#pragma once

#include "worker/base/clock.h"
#include "worker/base/result.h"

#include <boost/json/object.hpp>

#include <memory>
#include <string>
#include <string_view>

struct rbee_template;

namespace llm {

using worker::Result;

// How a model's file writes the tokens that chat templates write themselves. Empty where it has
// none.
struct SpecialTexts {
    std::string bos;
    std::string eos;
};

// From messages to the text that a model was trained on. Immutable. Thread: any.
//
// A template is a program that came with the model. It sees its context and nothing else, and its
// work and the length of its text are bounded.
// Source: transformers, `apply_chat_template`; jinja2 is what it stands for.
class ChatTemplate {
public:
    // Errors: invalid_request with what is wrong with the source, and where.
    static Result<ChatTemplate> compile(std::string_view source, const SpecialTexts& special);

    // `context` is what transformers hands in: messages, tools, documents, add_generation_prompt
    // and any further arguments of the template. What is absent of `tools` and `documents` is none.
    // `now` is the time that templates may write. Errors: invalid_request, in the template's own
    // words where it refuses the messages.
    Result<std::string> render(const boost::json::object& context,
                               worker::Clock::WallTime now) const;

private:
    struct Free {
        void operator()(rbee_template* compiled) const;
    };
    using Compiled = std::unique_ptr<rbee_template, Free>;

    explicit ChatTemplate(Compiled compiled) : compiled_(std::move(compiled)) {}

    Compiled compiled_;
};

}  // namespace llm
