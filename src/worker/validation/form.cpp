#include "worker/validation/form.h"

#include "worker/base/utf8.h"

#include <boost/json/array.hpp>
#include <boost/json/string.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <utility>

namespace worker {
namespace {

bool in_alphabet(std::string_view alphabet, char c) {
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        const char first = alphabet[i];
        const bool is_range = i + 2 < alphabet.size() && alphabet[i + 1] == '-';
        if (is_range) i += 2;
        if (first <= c && c <= alphabet[i]) return true;
    }
    return false;
}

// The key's value where it is an integer as JSON writes one.
std::optional<std::int64_t> decimal(std::string_view key) {
    const std::string_view digits = key.substr(key.starts_with('-') ? 1 : 0);
    if (key == "-0" || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
    std::int64_t number = 0;
    const auto [end, failure] = std::from_chars(key.data(), key.data() + key.size(), number);
    if (failure != std::errc{} || end != key.data() + key.size()) return std::nullopt;
    return number;
}

// Checks one value against its form, as the visitor of that form.
struct Checker {
    const boost::json::value& value;
    std::string_view field;    // what a violation names
    std::string_view subject;  // what a message is about: the field, or one of its items
    Violations& violations;
    std::optional<std::size_t> index = std::nullopt;  // of the item

    void operator()(const Boolean&) {
        if (!value.is_bool()) wrong_type("boolean", "a boolean");
    }

    void operator()(const Integer& form) {
        if (value.is_uint64()) return check_range(value.get_uint64(), form);
        if (value.is_int64()) return check_range(value.get_int64(), form);
        const bool whole = form.whole_fractions == WholeFractions::accepted && value.is_double() &&
                           std::trunc(value.get_double()) == value.get_double();
        if (whole) return check_whole(value.get_double(), form);
        wrong_type("integer", "an integer");
    }

    void operator()(const Number& form) {
        if (!value.is_number()) return wrong_type("number", "a number");
        const double found = value.to_number<double>();
        std::string complaint;
        if (found < form.min)
            complaint = fmt::format("must be at least {:.1f} (got {})", form.min, found);
        if (found > form.max)
            complaint = fmt::format("must be at most {:.1f} (got {})", form.max, found);
        if (complaint.empty()) return;
        broken(fmt::format("range({:.1f}..={:.1f})", form.min, form.max), complaint,
               fmt::to_string(found));
    }

    void operator()(const Text& form) {
        if (!value.is_string()) return wrong_type("string", "a string");
        const std::string_view text = value.get_string();
        if (form.non_empty && text.empty()) broken("non_empty", "must not be empty");
        if (form.characters_max) check_characters(text, *form.characters_max);
        if (form.bytes_max && text.size() > *form.bytes_max) {
            broken(fmt::format("max_length({})", *form.bytes_max),
                   too_long(*form.bytes_max, text.size()));
        }
        const auto allowed = [&](char c) { return in_alphabet(form.alphabet, c); };
        if (!form.alphabet.empty() && !std::ranges::all_of(text, allowed)) {
            broken(fmt::format("charset({})", form.alphabet),
                   fmt::format("must have only characters of [{}]", form.alphabet));
        }
        if (!form.words.empty() && std::ranges::find(form.words, text) == form.words.end()) {
            broken(fmt::format("one_of({})", fmt::join(form.words, ",")),
                   fmt::format("must be one of {}", fmt::join(form.words, ", ")));
        }
    }

    void operator()(const TextList& form) {
        if (form.lone_text == LoneText::accepted && value.is_string()) return (*this)(form.item);
        if (!value.is_array()) {
            return form.lone_text == LoneText::accepted
                       ? wrong_type("string|array", "a string or an array of strings")
                       : wrong_type("array", "an array");
        }
        const boost::json::array& items = value.get_array();
        if (form.non_empty && items.empty()) broken("non_empty", "must not be empty");
        check_count(items.size(), form.count_max, form.noun);
        check_items(items, form.item, form.item_noun);
    }

    void operator()(const IntegerList& form) {
        if (!value.is_array()) return wrong_type("array", "an array");
        check_count(value.get_array().size(), form.count_max, form.noun);
        check_items(value.get_array(), form.item, form.item_noun);
    }

    void operator()(const NumberMap& form) {
        if (!value.is_object()) return wrong_type("object", "an object");
        check_count(value.get_object().size(), form.count_max, form.noun);
        if (value.get_object().size() > form.count_max) return;
        const std::string key_subject = fmt::format("{} of {}", form.key_noun, field);
        for (const auto& [key, number] : value.get_object()) {
            if (violations.size() >= violations_max) return;
            const std::optional<std::int64_t> integer = decimal(key);
            Checker of_key{number, field, key_subject, violations};
            if (!integer) {
                of_key.wrong_type("integer", "an integer in decimal");
                continue;
            }
            of_key.check_range(*integer, form.key);
            const std::string entry = fmt::format("{}.{}", field, *integer);
            Checker{number, field, entry, violations}(form.value);
        }
    }

    void operator()(const Object&) {
        if (!value.is_object()) wrong_type("object", "an object");
    }

    void operator()(const List& form) {
        if (!value.is_array()) return wrong_type("array", "an array");
        if (form.non_empty && value.get_array().empty()) broken("non_empty", "must not be empty");
    }

    void operator()(const Anything&) {}

    void check_count(std::size_t found, std::size_t max, std::string_view noun) {
        if (found <= max) return;
        broken(fmt::format("max_count({})", max),
               fmt::format("must have at most {} {} (got {})", max, noun, found),
               fmt::to_string(found));
    }

    template <class ItemForm>
    void check_items(const boost::json::array& items, const ItemForm& form, std::string_view noun) {
        for (std::size_t i = 0; i < items.size() && violations.size() < violations_max; ++i)
            Checker{items[i], field, noun, violations, i}(form);
    }

    template <class Int>
    void check_range(Int found, const Integer& form) {
        if (std::cmp_less(found, form.min)) too_small(form, fmt::to_string(found));
        if (std::cmp_greater(found, form.max)) too_large(form, fmt::to_string(found));
    }

    // Beyond 64 bits a double is compared with no integer: it is outside of any range.
    void check_whole(double found, const Integer& form) {
        if (found < -0x1p63) return too_small(form, fmt::to_string(found));
        if (found >= 0x1p64) return too_large(form, fmt::to_string(found));
        if (found < 0x1p63) return check_range(static_cast<std::int64_t>(found), form);
        check_range(static_cast<std::uint64_t>(found), form);
    }

    void too_small(const Integer& form, const std::string& found) {
        broken(fmt::format("range({}..={})", form.min, form.max),
               fmt::format("must be at least {}", form.min), found);
    }

    void too_large(const Integer& form, const std::string& found) {
        broken(fmt::format("range({}..={})", form.min, form.max),
               fmt::format("must be at most {} (got {})", form.max, found), found);
    }

    void check_characters(std::string_view text, std::size_t max) {
        const std::string constraint = fmt::format("length(1..={})", max);
        const std::size_t characters = count_characters(text);
        if (characters == 0) broken(constraint, "must not be empty");
        if (characters > max) broken(constraint, too_long(max, characters));
    }

    static std::string too_long(std::size_t max, std::size_t found) {
        return fmt::format("must be at most {} characters (got {})", max, found);
    }

    std::string subject_text() const {
        return index ? fmt::format("{} {}", subject, *index) : std::string(subject);
    }

    void wrong_type(std::string_view name, std::string_view phrase) {
        violations.push_back({.kind = ViolationKind::shape,
                              .field = std::string(field),
                              .constraint = fmt::format("type({})", name),
                              .message = fmt::format("{} must be {}", subject_text(), phrase)});
    }

    void broken(std::string constraint, std::string_view complaint,
                std::optional<std::string> found = std::nullopt) {
        violations.push_back({.kind = ViolationKind::value,
                              .field = std::string(field),
                              .constraint = std::move(constraint),
                              .message = fmt::format("{} {}", subject_text(), complaint),
                              .value = std::move(found)});
    }
};

}  // namespace

bool check(const boost::json::value& value, const Form& form, std::string_view field,
           Violations& violations) {
    const std::size_t known = violations.size();
    std::visit(Checker{value, field, field, violations}, form);
    return violations.size() == known;
}

}  // namespace worker
