#include "worker/contract/json_object.h"

#include "worker/base/json.h"
#include "worker/base/utf8.h"

#include <fmt/format.h>

#include <cmath>

namespace worker {

void JsonObject::separate() {
    if (!members_.empty()) members_ += ',';
}

void JsonObject::begin_member(std::string_view key) {
    separate();
    members_ += '"';
    members_ += key;
    members_ += "\":";
}

JsonObject& JsonObject::add_json(std::string_view key, std::string_view json) {
    begin_member(key);
    members_ += json;
    return *this;
}

JsonObject& JsonObject::add(std::string_view key, std::string_view text) {
    begin_member(key);
    append_json_string(members_, to_utf8(text));
    return *this;
}

JsonObject& JsonObject::add(std::string_view key, double number) {
    return std::isfinite(number) ? add_json(key, fmt::to_string(number)) : *this;
}

JsonObject& JsonObject::add(std::string_view key, const JsonObject& object) {
    return add_json(key, object.text());
}

JsonObject& JsonObject::add(std::string_view key, const std::vector<JsonObject>& objects) {
    std::vector<std::string> items;
    items.reserve(objects.size());
    for (const JsonObject& object : objects) items.push_back(object.text());
    return add_json(key, fmt::format("[{}]", fmt::join(items, ",")));
}

JsonObject& JsonObject::add(std::string_view key, const std::vector<std::string>& texts) {
    std::vector<std::string> items(texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) append_json_string(items[i], to_utf8(texts[i]));
    return add_json(key, fmt::format("[{}]", fmt::join(items, ",")));
}

JsonObject& JsonObject::add_all(const JsonObject& other) {
    if (!other.members_.empty()) separate();
    members_ += other.members_;
    return *this;
}

}  // namespace worker
