#include "worker/app/config_text.h"

#include "worker/app/flag_value.h"
#include "worker/base/json.h"

#include <fmt/format.h>

#include <sstream>

namespace worker {
namespace {

constexpr std::size_t help_column = 31;
constexpr std::size_t help_width = 100;

// `text` from column `help_column` on, broken between words; `left` fills the first line before it.
std::string beside(const std::string& left, const std::string& text) {
    std::string out = left;
    if (left.size() + 2 > help_column)
        out += "\n" + std::string(help_column, ' ');
    else
        out.resize(help_column, ' ');
    std::size_t column = help_column;
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        if (column > help_column && column + 1 + word.size() > help_width) {
            out += "\n" + std::string(help_column, ' ');
            column = help_column;
        }
        if (column > help_column) {
            out += ' ';
            ++column;
        }
        out += word;
        column += word.size();
    }
    return out + "\n";
}

// "  -c, --context-size TOKENS": short aliases stand first.
std::string flag_column(const Flag& flag) {
    if (flag.scope == FlagScope::environment_only) {
        return fmt::format("  {}={}", flag.variable_names().back(), flag.value_word);
    }
    std::vector<std::string> spellings;
    for (const std::string& alias : flag.aliases) {
        if (!alias.starts_with("--")) spellings.push_back(alias);
    }
    spellings.push_back(flag.spelling());
    const std::string value = flag.is_switch() ? "" : " " + flag.value_word;
    return "  " + joined(spellings) + value;
}

std::string flag_help(const Flag& flag) {
    std::vector<std::string> notes;
    const std::string initial = flag.is_switch() ? "" : flag.setting.show();
    const std::string& fallback = flag.default_text.empty() ? initial : flag.default_text;
    if (!fallback.empty()) notes.push_back("default: " + fallback);
    for (const std::string& alias : flag.aliases) {
        if (alias.starts_with("--")) notes.push_back("also " + alias);
    }
    if (flag.scope != FlagScope::environment_only && !flag.variables.empty()) {
        notes.push_back("environment: " + joined(flag.variables));
    }
    return notes.empty() ? flag.help : fmt::format("{} [{}]", flag.help, joined(notes, "; "));
}

std::string toml_value(const Setting& setting, const std::string& text) {
    if (!setting.quoted) return text;
    std::string quoted;
    append_json_string(quoted, text);  // A TOML basic string has JSON's escapes.
    return quoted;
}

std::string resolved_line(const Flag& flag, const Sources& sources) {
    const std::string text = flag.setting.show();
    const auto source = sources.find(flag.name);
    const std::string origin = source == sources.end() ? "" : "  # " + source->second;
    if (text.empty()) return fmt::format("# {}: {}\n", flag.name, flag.default_text);
    // What a file may not say stands in a comment, so that the output can be used as one.
    const char* const comment = flag.scope == FlagScope::anywhere ? "" : "# ";
    return fmt::format("{}{} = {}{}\n", comment, flag.name, toml_value(flag.setting, text), origin);
}

}  // namespace

std::string help_text(const Program& program, const FlagTable& table,
                      std::span<const Question> questions) {
    std::string out = fmt::format(
        "{0}\n\n"
        "Usage: {1} --model M [flags]\n\n"
        "A flag is written --flag value or --flag=value. Each can also be set by the environment\n"
        "(--context-size 4096 is LLM_WORKER_CONTEXT_SIZE=4096, a switch is set by 1) or in the "
        "file "
        "of\n--config (context-size = 4096). A flag wins over the environment, the environment "
        "over the\nfile. Sizes take KiB, MiB and GiB, times ms, s, m and h.\n",
        program.summary, program.name);
    for (const FlagGroup& group : table.groups()) {
        out += "\n" + group.title + ":\n";
        for (const Flag& flag : group.flags) out += beside(flag_column(flag), flag_help(flag));
    }
    out += "\nQuestions, answered without starting:\n";
    for (const Question& question : questions) {
        const std::string alias = question.alias.empty() ? "" : question.alias + ", ";
        out += beside("  " + alias + question.spelling, question.help);
    }
    return out;
}

std::string resolved_text(const FlagTable& table, const Sources& sources,
                          const std::vector<std::string>& warnings) {
    std::string out;
    for (const std::string& warning : warnings) out += fmt::format("# warning: {}\n", warning);
    for (const FlagGroup& group : table.groups()) {
        out += fmt::format("{}# {}\n", out.empty() ? "" : "\n", group.title);
        for (const Flag& flag : group.flags) out += resolved_line(flag, sources);
    }
    return out;
}

}  // namespace worker
