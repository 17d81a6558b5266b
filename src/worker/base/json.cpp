#include "worker/base/json.h"

#include "worker/base/utf8.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>  // Boost.JSON's own code: in this file only.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

namespace worker {
namespace {

namespace json = boost::json;

// Builds the value that Boost.JSON's parser reports, and refuses what that parser lets through.
class StrictBuilder {
public:
    static constexpr std::size_t max_array_size = json::array::max_size();
    static constexpr std::size_t max_object_size = json::object::max_size();
    static constexpr std::size_t max_string_size = json::string::max_size();
    static constexpr std::size_t max_key_size = json::string::max_size();

    bool on_document_begin(json::error_code&) { return true; }
    bool on_document_end(json::error_code&) { return true; }

    bool on_array_begin(json::error_code&) {
        open_.emplace_back(json::array_kind);
        return true;
    }
    bool on_array_end(std::size_t, json::error_code&) { return close(); }

    bool on_object_begin(json::error_code&) {
        open_.emplace_back(json::object_kind);
        return true;
    }
    bool on_object_end(std::size_t, json::error_code&) { return close(); }

    bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
        return collect(part);
    }
    bool on_key(json::string_view part, std::size_t, json::error_code& ec) {
        collect(part);
        if (open_.back().get_object().contains(text_)) return refuse("duplicate key", ec);
        keys_.push_back(std::exchange(text_, {}));
        return true;
    }

    bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
        return collect(part);
    }
    bool on_string(json::string_view part, std::size_t, json::error_code&) {
        collect(part);
        add(json::string(text_));
        text_.clear();
        return true;
    }

    bool on_number_part(json::string_view part, json::error_code&) { return collect(part); }
    bool on_int64(std::int64_t number, json::string_view, json::error_code&) {
        text_.clear();
        return add(number);
    }
    bool on_uint64(std::uint64_t number, json::string_view, json::error_code&) {
        text_.clear();
        return add(number);
    }
    // Boost's own conversion is off by a unit in the last place for some texts; 0.1 has to come
    // back as 0.1. It still tells on which side a number is out of range.
    bool on_double(double approximation, json::string_view part, json::error_code& ec) {
        collect(part);
        double number = 0;
        const auto [end, failure] =
            std::from_chars(text_.data(), text_.data() + text_.size(), number);
        text_.clear();
        if (failure == std::errc{}) return add(number);
        if (std::abs(approximation) < 1) return add(std::copysign(0.0, approximation));
        return refuse("number out of range", ec);
    }

    bool on_bool(bool truth, json::error_code&) { return add(truth); }
    bool on_null(json::error_code&) { return add(nullptr); }
    bool on_comment_part(json::string_view, json::error_code&) { return true; }
    bool on_comment(json::string_view, json::error_code&) { return true; }

    json::value& root() { return root_; }
    // Why the builder stopped the parser; empty when it did not.
    std::string_view refusal() const { return refusal_; }

private:
    bool collect(json::string_view part) {
        text_.append(part.data(), part.size());
        return true;
    }

    bool add(json::value value) {
        if (open_.empty()) {
            root_ = std::move(value);
        } else if (json::array* array = open_.back().if_array()) {
            array->push_back(std::move(value));
        } else {
            open_.back().get_object().emplace(keys_.back(), std::move(value));
            keys_.pop_back();
        }
        return true;
    }

    bool close() {
        json::value complete = std::move(open_.back());
        open_.pop_back();
        return add(std::move(complete));
    }

    bool refuse(std::string_view reason, json::error_code& ec) {
        refusal_ = reason;
        ec = json::error::syntax;
        return false;
    }

    json::value root_;
    std::vector<json::value> open_;  // Arrays and objects that have begun, outermost first.
    std::vector<std::string> keys_;  // One for each open object whose member has begun.
    std::string text_;               // Of the key, string or number that has begun.
    std::string_view refusal_;
};

std::string located(std::string_view text, std::size_t at, std::string_view reason) {
    const std::string_view before = text.substr(0, at);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0.
    const std::size_t column = 1 + count_characters(before.substr(line_start));
    return fmt::format("line {}, column {}: {}", line, column, reason);
}

// `byte` is a control character, a quote or a backslash. Source: RFC 8259, section 7.
void append_escape(std::string& out, unsigned char byte) {
    switch (byte) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
    }
    constexpr std::string_view hex_digits = "0123456789abcdef";
    out += "\\u00";
    out += hex_digits[byte >> 4];
    out += hex_digits[byte & 0xf];
}

}  // namespace

Result<json::value> parse_json(std::string_view text) {
    json::parse_options options;
    options.max_depth = json_depth_max;
    json::basic_parser<StrictBuilder> parser(options);
    json::error_code ec;
    const std::size_t consumed = parser.write_some(false, text.data(), text.size(), ec);
    if (!ec && consumed < text.size()) ec = json::error::extra_data;
    if (!ec) return std::move(parser.handler().root());
    const std::string_view refusal = parser.handler().refusal();
    return fail(ErrorCode::invalid_json,
                located(text, consumed, refusal.empty() ? ec.message() : std::string(refusal)));
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    std::size_t copied = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte >= 0x20 && byte != '"' && byte != '\\') [[likely]]
            continue;
        out.append(text, copied, i - copied);
        copied = i + 1;
        append_escape(out, byte);
    }
    out.append(text, copied);
    out += '"';
}

}  // namespace worker
