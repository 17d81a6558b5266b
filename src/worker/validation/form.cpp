#include "worker/validation/form.h"

#include "worker/base/utf8.h"

#include <boost/json/array.hpp>
#include <boost/json/string.hpp>
#include <fmt/format.h>

#include <algorithm>
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

// Checks one value against its form, as the visitor of that form.
struct Checker {
    const boost::json::value& value;
    std::string_view field;  // what a violation names
    std::string subject;     // what a message is about: the field, or one of its items
    Violations& violations;

    void operator()(const Boolean&) {
        if (!value.is_bool()) wrong_type("boolean", "a boolean");
    }

    void operator()(const Integer& form) {
        if (value.is_uint64()) return check_range(value.get_uint64(), form);
        if (value.is_int64()) return check_range(value.get_int64(), form);
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
    }

    void operator()(const TextList& form) {
        if (!value.is_array()) return wrong_type("array", "an array");
        const boost::json::array& items = value.get_array();
        if (items.size() > form.count_max) {
            broken(fmt::format("max_count({})", form.count_max),
                   fmt::format("must have at most {} {} (got {})", form.count_max, form.noun,
                               items.size()),
                   fmt::to_string(items.size()));
        }
        for (std::size_t i = 0; i < items.size() && violations.size() < violations_max; ++i) {
            Checker{items[i], field, fmt::format("{} {}", form.item_noun, i),
                    violations}(form.item);
        }
    }

    template <class Int>
    void check_range(Int found, const Integer& form) {
        std::string complaint;
        if (std::cmp_less(found, form.min))
            complaint = fmt::format("must be at least {}", form.min);
        if (std::cmp_greater(found, form.max))
            complaint = fmt::format("must be at most {} (got {})", form.max, found);
        if (complaint.empty()) return;
        broken(fmt::format("range({}..={})", form.min, form.max), complaint, fmt::to_string(found));
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

    void wrong_type(std::string_view name, std::string_view phrase) {
        violations.push_back({.kind = ViolationKind::shape,
                              .field = std::string(field),
                              .constraint = fmt::format("type({})", name),
                              .message = fmt::format("{} must be {}", subject, phrase)});
    }

    void broken(std::string constraint, std::string_view complaint,
                std::optional<std::string> found = std::nullopt) {
        violations.push_back({.kind = ViolationKind::value,
                              .field = std::string(field),
                              .constraint = std::move(constraint),
                              .message = fmt::format("{} {}", subject, complaint),
                              .value = std::move(found)});
    }
};

}  // namespace

bool check(const boost::json::value& value, const Form& form, std::string_view field,
           Violations& violations) {
    const std::size_t known = violations.size();
    std::visit(Checker{value, field, std::string(field), violations}, form);
    return violations.size() == known;
}

}  // namespace worker
