#include "llm/chat_template_choice.h"

#include "llm/text/chat_template.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

namespace llm {

using worker::ErrorCode;
using worker::fail;
using worker::Result;

namespace {

constexpr std::uintmax_t file_bytes_max = 1 << 20;

// Source: OpenAI, "Chat Markup Language".
constexpr std::string_view chatml =
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + (message['content'] or '') + '<|im_end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

Result<std::string> read_template(const std::filesystem::path& path) {
    std::error_code error;
    const std::uintmax_t bytes = std::filesystem::file_size(path, error);
    if (error || bytes > file_bytes_max)
        return fail(ErrorCode::config_invalid,
                    fmt::format("--chat-template {} cannot be read, or is longer than 1 MiB",
                                path.string()));
    std::ifstream file(path, std::ios::binary);
    std::string source{std::istreambuf_iterator<char>(file), {}};
    if (!file) return fail(ErrorCode::config_invalid, "--chat-template cannot be read");
    return source;
}

Result<std::string> find_template(const worker::ModelFacts& facts, const std::string& wanted) {
    std::error_code ignored;
    if (std::filesystem::exists(wanted, ignored)) return read_template(wanted);
    const auto named = facts.named_templates.find(wanted);
    if (named != facts.named_templates.end()) return named->second;
    if (wanted == "chatml") return std::string(chatml);
    std::string names = "chatml";
    for (const auto& [name, source] : facts.named_templates) names += ", " + name;
    return fail(
        ErrorCode::config_invalid,
        fmt::format("--chat-template {} is neither a file nor a template's name: there is {}",
                    wanted, names));
}

}  // namespace

Result<std::optional<std::string>> choose_chat_template(const worker::ModelFacts& facts,
                                                        const std::optional<std::string>& wanted) {
    if (!wanted) return facts.chat_template;
    auto source = find_template(facts, *wanted);
    if (!source) return fail(std::move(source.error()));
    const auto compiled = ChatTemplate::compile(*source, {});
    if (!compiled)
        return fail(ErrorCode::config_invalid, fmt::format("--chat-template {} is no template: {}",
                                                           *wanted, compiled.error().message));
    return std::optional(std::move(*source));
}

}  // namespace llm
