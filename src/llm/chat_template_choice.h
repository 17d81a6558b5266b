#pragma once

#include "worker/base/result.h"
#include "worker/model_file/model_facts.h"

#include <optional>
#include <string>

namespace llm {

// The source of the template that chats use: the model's own, or what `--chat-template` names,
// which is a file, another template of the model's, or "chatml". Nothing where there is none.
// Errors: config_invalid when nothing has the name, or what has it is no template.
worker::Result<std::optional<std::string>> choose_chat_template(
    const worker::ModelFacts& facts, const std::optional<std::string>& wanted);

}  // namespace llm
