#pragma once

#include "worker/validation/violation.h"

#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <variant>

namespace worker {

// What a JSON value has to be, as data. Each limit knows its constraint string and its message;
// every limit that a value breaks is one violation.

struct Boolean {};

// A JSON number without fraction or exponent: 5.0 is not one. Both ends are accepted.
struct Integer {
    std::int64_t min = std::numeric_limits<std::int64_t>::min();
    std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
};

// Any JSON number. Both ends are accepted.
struct Number {
    double min = std::numeric_limits<double>::lowest();
    double max = std::numeric_limits<double>::max();
};

struct Text {
    bool non_empty = false;
    std::optional<std::size_t> characters_max = std::nullopt;  // code points, at least one
    std::optional<std::size_t> bytes_max = std::nullopt;
    // ASCII characters and ranges as between a regular expression's brackets, '-' last to mean
    // itself. Empty: any character.
    std::string_view alphabet = "";
};

// An array of texts.
struct TextList {
    std::size_t count_max = std::numeric_limits<std::size_t>::max();
    std::string_view noun = "items";      // "… must have at most 4 <noun>"
    std::string_view item_noun = "item";  // "<item_noun> 0 must not be empty"
    Text item = {};
};

using Form = std::variant<Boolean, Integer, Number, Text, TextList>;

// Appends every way in which `value` differs from `form`, in the order of the form's members.
// True: there is none.
bool check(const boost::json::value& value, const Form& form, std::string_view field,
           Violations& violations);

}  // namespace worker
