#include "bench/load_shape.h"

#include "worker/base/json.h"

#include <boost/json/object.hpp>

#include <array>
#include <limits>
#include <string>

namespace bench {

namespace {

using worker::Result;

struct Field {
    std::string_view name;
    std::uint32_t LoadShape::* number;
};

constexpr std::array<Field, 10> fields = {
    {{"clients", &LoadShape::clients},
     {"requests", &LoadShape::requests},
     {"turns", &LoadShape::turns},
     {"shared_words", &LoadShape::shared_words},
     {"words", &LoadShape::words},
     {"words_later", &LoadShape::words_later},
     {"tokens_out", &LoadShape::tokens_out},
     {"arriving_words", &LoadShape::arriving_words},
     {"arriving_tokens_out", &LoadShape::arriving_tokens_out},
     {"arrives_after_tokens", &LoadShape::arrives_after_tokens}}};

bool set(LoadShape& shape, std::string_view name, const boost::json::value& value) {
    boost::system::error_code ec;
    if (name == "arrivals_per_second") {
        shape.arrivals_per_second = value.to_number<double>(ec);
        return !ec && shape.arrivals_per_second >= 0;
    }
    const auto number = value.to_number<std::uint64_t>(ec);
    if (ec) return false;
    if (name == "seed") {
        shape.seed = number;
        return true;
    }
    for (const Field& field : fields) {
        if (field.name != name) continue;
        shape.*field.number = static_cast<std::uint32_t>(number);
        return number <= std::numeric_limits<std::uint32_t>::max();
    }
    return false;
}

}  // namespace

Result<LoadShape> parse_load_shape(std::string_view json) {
    const auto parsed = worker::parse_json(json);
    if (!parsed) return worker::fail(parsed.error());
    if (!parsed->is_object())
        return worker::fail(worker::ErrorCode::config_invalid, "a shape is a JSON object");
    LoadShape shape;
    for (const auto& [name, value] : parsed->get_object()) {
        if (set(shape, name, value)) continue;
        return worker::fail(
            worker::ErrorCode::config_invalid,
            "the shape's \"" + std::string(name) + "\" is unknown, or not a number of its kind");
    }
    return shape;
}

}  // namespace bench
