#include "llm/api/completions/calls_as_text.h"

#include "llm/text/tool_format.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <string>
#include <utility>

namespace llm {

namespace json = boost::json;

namespace {

std::string spelled_out(const json::array& calls) {
    const ToolSyntax& syntax = tool_syntax(ToolFormat::generic);
    std::string text(syntax.list_begin);
    for (const json::value& call : calls) {
        if (&call != &calls.front()) text.append(syntax.separator);
        const std::string name = json::serialize(call.at("function").at("name"));
        text.append(syntax.name_begin)
            .append(name, 1, name.size() - 2)  // The quotes are the syntax's.
            .append(syntax.call_middle)
            .append(json::serialize(call.at("function").at("arguments")))
            .append(syntax.call_end);
    }
    return text.append(syntax.list_end);
}

json::object without_calls(json::object message) {
    const std::string calls = spelled_out(message.at("tool_calls").get_array());
    message.erase("tool_calls");
    json::value& content = message.at("content");
    if (!content.is_string()) content = "";
    json::string& text = content.get_string();
    if (!text.empty()) text.append("\n\n");
    text.append(calls);
    return message;
}

// {"name","result"}, whose name is null where no call has the id.
std::string result_line(const json::object& message, const json::object& names_by_id) {
    const json::value* name = names_by_id.if_contains(message.at("tool_call_id").get_string());
    return json::serialize(json::object{{"name", name == nullptr ? json::value() : *name},
                                        {"result", message.at("content")}});
}

}  // namespace

json::array calls_as_text(const json::array& messages) {
    json::array texts;
    json::object names_by_id;
    bool has_results = false;  // in the last of `texts`
    for (const json::value& each : messages) {
        const json::object& message = each.get_object();
        if (message.at("role") == "tool") {
            const std::string line = result_line(message, names_by_id);
            if (has_results)
                texts.back().at("content").get_string().append("\n" + line);
            else
                texts.push_back(json::object{{"role", "user"}, {"content", line}});
            has_results = true;
            continue;
        }
        has_results = false;
        const json::value* calls = message.if_contains("tool_calls");
        texts.push_back(calls == nullptr ? message : without_calls(message));
        if (calls == nullptr) continue;
        for (const json::value& call : calls->get_array())
            names_by_id[call.at("id").get_string()] = call.at("function").at("name");
    }
    return texts;
}

}  // namespace llm
