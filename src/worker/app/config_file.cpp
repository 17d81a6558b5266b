#include "worker/app/flag_value.h"
#include "worker/app/given.h"
#include "worker/app/small_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

namespace worker {
namespace {

// A plain value as a flag's text. Nothing for tables, dates and nested arrays.
std::optional<std::string> scalar_text(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* integer = node.as_integer()) return std::to_string(integer->get());
    if (const auto* real = node.as_floating_point()) return fmt::format("{}", real->get());
    if (const auto* boolean = node.as_boolean()) return boolean->get() ? "true" : "false";
    return {};
}

// An array stands for the list that its flag takes with commas.
std::optional<std::string> value_text(const toml::node& node) {
    const toml::array* const array = node.as_array();
    if (!array) return scalar_text(node);
    std::vector<std::string> items;
    for (const toml::node& item : *array) {
        const std::optional<std::string> text = scalar_text(item);
        if (!text) return {};
        items.push_back(*text);
    }
    return joined(items, ",");
}

Result<Given> read_setting(const std::string& source, std::string_view key, const toml::node& node,
                           const FlagTable& table) {
    const std::string context = fmt::format("{}: {}", source, excerpt(key));
    const Flag* const flag = table.find(fmt::format("--{}", key));
    if (!flag || flag->name != key) {
        return fail(ErrorCode::usage_invalid,
                    context + ": unknown setting; --help lists all names");
    }
    if (flag->scope != FlagScope::anywhere) {
        return fail(ErrorCode::usage_invalid, context + ": is not taken from a file");
    }
    const std::optional<std::string> text = value_text(node);
    if (!text) {
        return fail(ErrorCode::usage_invalid,
                    context + ": must be a text, a number, true or false, or an array of them");
    }
    return Given{flag, *text, source, context};
}

Result<std::vector<Given>> read_settings(std::string_view document, const std::string& path,
                                         const FlagTable& table) {
    const auto source = [&](const toml::source_region& region) {
        return fmt::format("{} line {}", path, region.begin.line);
    };
    try {
        std::vector<Given> given;
        for (const auto& [key, node] : toml::parse(document)) {
            Result<Given> one = read_setting(source(key.source()), key.str(), node, table);
            if (!one) return fail(one.error());
            given.push_back(std::move(*one));
        }
        return given;
    } catch (const toml::parse_error& error) {
        return fail(ErrorCode::usage_invalid,
                    fmt::format("{}: {}", source(error.source()), excerpt(error.description())));
    }
}

}  // namespace

Result<std::vector<Given>> read_config_file(const Given& file, const FlagTable& table) {
    const Result<std::string> document = read_small_file(file.text);
    if (!document) {
        return fail(document.error().code, file.context + ": " + document.error().message);
    }
    return read_settings(*document, excerpt(file.text), table);
}

}  // namespace worker
