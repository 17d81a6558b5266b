#include "llm/api/openai/chat_tools.h"

#include <boost/json/object.hpp>
#include <fmt/format.h>

#include <set>
#include <utility>

namespace llm {

using worker::BodyPlace;
using worker::Checked;
using worker::IgnoredParameters;
using worker::OpenAiError;
using worker::refuse;
using worker::required;
using worker::Rows;
using worker::supported;
using worker::UnknownKeys;

namespace {

namespace json = boost::json;

constexpr worker::Text function_name = {
    .non_empty = true, .bytes_max = 64, .alphabet = "A-Za-z0-9_-"};

struct ToolRows {
    Rows<ToolDraft> tool = tool_rows();
    Rows<FunctionDraft> function = function_rows();
};

// The function's name. What is unknown in a tool is passed on: templates show the model all of it.
tl::expected<std::string, OpenAiError> check_tool(const json::value& tool, const BodyPlace& place,
                                                  const ToolRows& rows) {
    const std::string name = place.path.substr(0, place.path.size() - 1);
    const json::object* object = tool.if_object();
    if (!object) return refuse(name, name + " must be an object");
    ToolDraft draft;
    FunctionDraft function;
    Checked read = read_object(*object, rows.tool, place, draft);
    if (read)
        read = read_object(*draft.function, rows.function, place.inside("function"), function);
    if (!read) return tl::make_unexpected(std::move(read.error()));
    return function.name;
}

bool has_function(const json::array& tools, std::string_view name) {
    for (const json::value& tool : tools) {
        if (tool.at("function").at("name").as_string() == name) return true;
    }
    return false;
}

// A choice by name: {"type":"function","function":{"name"}}.
struct NamedChoiceDraft {
    std::string type;
    const json::object* function = nullptr;
};
struct ChosenFunctionDraft {
    std::string name;
};

tl::expected<ToolChoice, OpenAiError> read_named(const json::object& choice,
                                                 const json::array& tools) {
    using Named = NamedChoiceDraft;
    using Chosen = ChosenFunctionDraft;
    const Rows<Named> rows = {required<Named>("type", &Named::type, {.words = {"function"}}),
                              required<Named>("function", &Named::function)};
    const Rows<Chosen> function_rows = {required<Chosen>("name", &Chosen::name, function_name)};

    IgnoredParameters unused;
    const BodyPlace place{unused, "tool_choice.", "", UnknownKeys::passed_on};
    Named named;
    Chosen chosen;
    Checked read = read_object(choice, rows, place, named);
    if (read) read = read_object(*named.function, function_rows, place.inside("function"), chosen);
    if (!read) return tl::make_unexpected(std::move(read.error()));
    if (!has_function(tools, chosen.name)) {
        return refuse(
            "tool_choice",
            fmt::format("tool_choice names {}, which is not among the tools", chosen.name));
    }
    return ToolChoice{ToolChoice::Kind::named, chosen.name};
}

}  // namespace

Rows<ToolDraft> tool_rows() {
    using D = ToolDraft;
    return {
        required<D>("type", &D::type, {.words = {"function"}}),
        required<D>("function", &D::function),
    };
}

Rows<FunctionDraft> function_rows() {
    using D = FunctionDraft;
    return {
        required<D>("name", &D::name, function_name, {.note = "each name once"}),
        supported<D>("description", &D::description),
        supported<D>("parameters", &D::parameters, {},
                     {.note = "a JSON Schema; any object where it is absent"}),
        supported<D>("strict", &D::strict),
    };
}

Checked check_tools(const json::array& tools, IgnoredParameters& ignored) {
    const ToolRows rows;
    std::set<std::string> names;
    for (std::size_t i = 0; i < tools.size(); ++i) {
        BodyPlace place = BodyPlace{ignored}.item("tools", i);
        place.unknown_keys = UnknownKeys::passed_on;
        auto name = check_tool(tools[i], place, rows);
        if (!name) return tl::make_unexpected(std::move(name.error()));
        if (!names.insert(*name).second) {
            return refuse(place.path + "function.name",
                          fmt::format("{}function.name: {} is there twice", place.path, *name));
        }
    }
    return {};
}

tl::expected<ToolChoice, OpenAiError> read_tool_choice(const json::value* choice,
                                                       const json::array& tools) {
    using Kind = ToolChoice::Kind;
    if (!choice) return ToolChoice{tools.empty() ? Kind::none : Kind::automatic};
    if (const json::object* named = choice->if_object()) return read_named(*named, tools);
    const std::string_view word =
        choice->is_string() ? std::string_view(choice->get_string()) : std::string_view();
    if (word == "none") return ToolChoice{Kind::none};
    if (word == "auto") return ToolChoice{tools.empty() ? Kind::none : Kind::automatic};
    if (word != "required") {
        return refuse("tool_choice",
                      "tool_choice must be none, auto, required or "
                      "{\"type\":\"function\",\"function\":{\"name\":\"…\"}}");
    }
    if (tools.empty())
        return refuse("tool_choice", "tool_choice is required, and there are no tools");
    return ToolChoice{Kind::required};
}

}  // namespace llm
