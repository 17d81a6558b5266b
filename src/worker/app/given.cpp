#include "worker/app/given.h"

#include "worker/app/flag_value.h"
#include "worker/base/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace worker {
namespace {

constexpr std::size_t excerpt_bytes_max = 100;

std::size_t equals_sign(std::string_view argument) {
    return argument.starts_with('-') ? argument.find('=') : std::string_view::npos;
}

// "-1" and "-" are values; "-m" and "--port" are not, unless joined by an equals sign.
bool looks_like_a_flag(std::string_view argument) {
    return argument.size() > 1 && argument[0] == '-' &&
           std::isdigit(static_cast<unsigned char>(argument[1])) == 0;
}

std::string context_of(const Flag& flag, const std::string& source, char between,
                       std::string_view text) {
    return flag.hide_value ? source : source + between + excerpt(text);
}

// Why `flag` must not stand on the command line here, if so; `given` stands before it.
Result<void> check_place(const Flag* flag, const std::string& spelling,
                         const std::vector<Given>& given) {
    if (!flag) {
        const std::string what = spelling.starts_with('-') ? "flag" : "argument";
        return fail(ErrorCode::usage_invalid,
                    fmt::format("{}: unknown {}; --help lists all flags", excerpt(spelling), what));
    }
    if (flag->scope == FlagScope::environment_only) {
        return fail(ErrorCode::usage_invalid,
                    fmt::format("{}: command lines are visible to every user; set {} in its place",
                                spelling, flag->variable_names().back()));
    }
    const auto earlier = std::find_if(given.begin(), given.end(),
                                      [&](const Given& one) { return one.flag == flag; });
    if (earlier != given.end() && !flag->repeatable) {
        const std::string other =
            earlier->source == spelling ? "" : fmt::format(" (first as {})", earlier->source);
        return fail(ErrorCode::usage_invalid, fmt::format("{}: given twice{}", spelling, other));
    }
    return {};
}

}  // namespace

Result<std::vector<Given>> read_command_line(std::span<const std::string> arguments,
                                             const FlagTable& table) {
    std::vector<Given> given;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& argument = arguments[i];
        const std::size_t equals = equals_sign(argument);
        const std::string spelling = argument.substr(0, equals);
        const Flag* const flag = table.find(spelling);
        if (const auto placed = check_place(flag, spelling, given); !placed)
            return fail(placed.error());

        std::string text;
        if (equals != std::string::npos) {
            text = argument.substr(equals + 1);
        } else if (flag->is_switch()) {
            text = "true";
        } else if (i + 1 < arguments.size() && !looks_like_a_flag(arguments[i + 1])) {
            text = arguments[++i];
        } else {
            return fail(ErrorCode::usage_invalid, fmt::format("{}: needs a value ({} {})", spelling,
                                                              spelling, flag->value_word));
        }
        given.push_back({flag, text, spelling, context_of(*flag, spelling, ' ', text)});
    }
    return given;
}

std::vector<Given> read_environment(const Environment& environment, const FlagTable& table) {
    std::vector<Given> given;
    for (const Flag* flag : table.flags()) {
        for (const std::string& name : flag->variable_names()) {
            const std::optional<std::string> text = environment.variable(name);
            if (!text) continue;
            given.push_back({flag, *text, name, context_of(*flag, name, '=', *text)});
            break;
        }
    }
    return given;
}

void add_weaker(std::vector<Given>& chosen, std::vector<Given> weaker) {
    const Sources stronger = sources_of(chosen);
    for (Given& one : weaker) {
        if (!stronger.contains(one.flag->name)) chosen.push_back(std::move(one));
    }
}

Result<void> apply(const std::vector<Given>& chosen) {
    for (const Given& one : chosen) {
        if (const auto applied = one.flag->setting.apply(one.text); !applied) {
            return fail(applied.error().code, one.context + ": " + applied.error().message);
        }
    }
    return {};
}

Sources sources_of(const std::vector<Given>& chosen) {
    Sources sources;
    for (const Given& one : chosen) sources.emplace(one.flag->name, one.source);
    return sources;
}

std::string excerpt(std::string_view text) {
    std::string line = to_utf8(text);
    for (char& c : line) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    }
    if (line.size() <= excerpt_bytes_max) return line;
    return std::string(first_bytes(line, excerpt_bytes_max)) + "…";
}

}  // namespace worker
