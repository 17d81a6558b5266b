#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace worker {

// Writes one JSON object on one line, its keys in the order of the calls. Numbers are the shortest
// that read back as the same ("45.2", which Boost.JSON would write as 4.52E1). What is absent is
// left out; null is written only for nullptr. Left out is also a number that JSON cannot express
// (NaN, infinity). Texts may be any bytes: what is not UTF-8 is replaced. Requires: keys need no
// escaping.
class JsonObject {
public:
    JsonObject& add(std::string_view key, std::string_view text);
    JsonObject& add(std::string_view key, double number);
    JsonObject& add(std::string_view key, const JsonObject& object);
    JsonObject& add(std::string_view key, const std::vector<JsonObject>& objects);
    JsonObject& add(std::string_view key, const std::vector<std::string>& texts);
    JsonObject& add(std::string_view key, std::integral auto number_or_truth) {
        return add_json(key, fmt::to_string(number_or_truth));
    }
    JsonObject& add(std::string_view key, std::nullptr_t) { return add_json(key, "null"); }
    template <std::integral Int>
    JsonObject& add(std::string_view key, const std::vector<Int>& numbers) {
        return add_json(key, fmt::format("[{}]", fmt::join(numbers, ",")));
    }
    // A value that is JSON text already.
    JsonObject& add_json(std::string_view key, std::string_view json);
    template <class Value>
    JsonObject& add(std::string_view key, const std::optional<Value>& value) {
        return value ? add(key, *value) : *this;
    }

    // The members of `other`, behind ours.
    JsonObject& add_all(const JsonObject& other);

    // "{…}", without a newline.
    std::string text() const { return "{" + members_ + "}"; }

private:
    void begin_member(std::string_view key);
    void separate();

    std::string members_;
};

}  // namespace worker
