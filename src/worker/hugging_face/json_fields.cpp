#include "worker/hugging_face/json_fields.h"

#include "worker/model_file/printable.h"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace worker {
namespace {

namespace json = boost::json;

std::optional<double> number_of(const json::value& value) {
    if (const auto whole = integer_of(value)) return static_cast<double>(*whole);
    if (const double* number = value.if_double()) return *number;
    return std::nullopt;
}

// And a float can say it.
bool is_positive(std::optional<double> number) {
    using Float = std::numeric_limits<float>;
    return number && *number >= Float::min() && *number <= Float::max();
}

// A value that may be of any size, in a message.
std::string shown(const json::value& value) {
    if (value.is_object()) return "an object";
    if (value.is_array()) return "a list";
    return printable(json::serialize(value));
}

}  // namespace

const json::object* object_at(const json::object& from, std::string_view key) {
    const json::value* value = from.if_contains(key);
    return value ? value->if_object() : nullptr;
}

const json::array* array_at(const json::object& from, std::string_view key) {
    const json::value* value = from.if_contains(key);
    return value ? value->if_array() : nullptr;
}

std::optional<std::string_view> text_at(const json::object& from, std::string_view key) {
    const json::value* value = from.if_contains(key);
    const json::string* text = value ? value->if_string() : nullptr;
    return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

std::optional<std::int64_t> integer_at(const json::object& from, std::string_view key) {
    const json::value* value = from.if_contains(key);
    return value ? integer_of(*value) : std::nullopt;
}

bool flag_at(const json::object& from, std::string_view key, bool missing) {
    const json::value* value = from.if_contains(key);
    const bool* flag = value ? value->if_bool() : nullptr;
    return flag ? *flag : missing;
}

std::optional<std::int64_t> integer_of(const json::value& value) {
    if (const auto* number = value.if_int64()) return *number;
    const auto* number = value.if_uint64();
    if (!number) return std::nullopt;
    constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::min(*number, most));
}

Error corrupt_file(std::string_view file, std::string_view what) {
    return {ErrorCode::model_corrupt,
            fmt::format("{}: {}; get another copy of this model", file, what)};
}

Error unsupported_model(std::string_view file, std::string_view what) {
    return {ErrorCode::model_unsupported,
            fmt::format("{}: {}; name a GGUF file of this model instead", file, what)};
}

bool JsonFields::has(std::string_view key) const {
    const json::value* value = object_.if_contains(key);
    return value && !value->is_null();
}

std::uint32_t JsonFields::whole(std::string_view key, std::optional<std::uint32_t> missing,
                                std::int64_t most) {
    if (!has(key)) {
        if (!missing) corrupt(key, "is missing");
        return missing.value_or(1);
    }
    const json::value& value = object_.at(key);
    const auto number = integer_of(value);
    if (number && *number >= 1 && *number <= most) return static_cast<std::uint32_t>(*number);
    corrupt(key, fmt::format("is {}, and 1 to {} is possible", shown(value), most));
    return 1;
}

std::uint32_t JsonFields::count(std::string_view key, std::optional<std::uint32_t> missing) {
    return whole(key, missing, (1 << 24) - 1);
}

std::uint32_t JsonFields::length(std::string_view key, std::optional<std::uint32_t> missing) {
    return whole(key, missing, std::numeric_limits<std::int32_t>::max());
}

double JsonFields::number(std::string_view key, std::optional<double> missing) {
    if (!has(key)) {
        if (!missing) corrupt(key, "is missing");
        return missing.value_or(1);
    }
    const json::value& value = object_.at(key);
    const auto number = number_of(value);
    if (is_positive(number)) return *number;
    corrupt(key, fmt::format("is {}, and a number above 0 is possible", shown(value)));
    return 1;
}

bool JsonFields::flag(std::string_view key, bool missing) {
    if (!has(key)) return missing;
    const json::value& value = object_.at(key);
    if (const bool* flag = value.if_bool()) return *flag;
    corrupt(key, fmt::format("is {}, and true or false is possible", shown(value)));
    return missing;
}

std::string JsonFields::text(std::string_view key, std::string_view missing) {
    if (!has(key)) return std::string(missing);
    const json::value& value = object_.at(key);
    if (const json::string* text = value.if_string()) return std::string(*text);
    corrupt(key, fmt::format("is {}, and a text is possible", shown(value)));
    return std::string(missing);
}

std::vector<float> JsonFields::numbers(std::string_view key, std::size_t size) {
    const json::array* list = array_at(object_, key);
    if (!list || list->size() != size) {
        corrupt(key, fmt::format("is no list of {} numbers", size));
        return {};
    }
    std::vector<float> numbers;
    for (const json::value& value : *list) {
        const auto number = number_of(value);
        if (!is_positive(number)) {
            corrupt(key, fmt::format("holds {}, and numbers above 0 are possible", shown(value)));
            return {};
        }
        numbers.push_back(static_cast<float>(*number));
    }
    return numbers;
}

void JsonFields::corrupt(std::string_view key, std::string_view what) {
    fail(corrupt_file(file_, fmt::format("{} {}", printable(key), what)));
}

void JsonFields::unsupported(std::string_view what) {
    fail(unsupported_model(file_, what));
}

void JsonFields::fail(Error error) {
    if (!error_) error_ = std::move(error);
}

}  // namespace worker
