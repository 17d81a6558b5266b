#include "worker/model_file/safetensors_entries.h"

#include "worker/model_file/printable.h"
#include "worker/model_file/safetensors.h"

#include <boost/json/basic_parser_impl.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace worker {
namespace {

namespace json = boost::json;

// Longest of the format's names of types: "F8_E4M3FNUZ".
constexpr std::size_t type_bytes_max = 16;

// Follows the parser through {name: {dtype, shape, data_offsets}, "__metadata__": {text: text}} and
// refuses all else.
class EntryBuilder {
public:
    // The parser's own bounds; ours tell of which tensor they speak.
    static constexpr std::size_t max_array_size = SIZE_MAX;
    static constexpr std::size_t max_object_size = SIZE_MAX;
    static constexpr std::size_t max_string_size = SIZE_MAX;
    static constexpr std::size_t max_key_size = SIZE_MAX;

    bool on_document_begin(json::error_code&) { return true; }
    bool on_document_end(json::error_code&) { return true; }

    bool on_object_begin(json::error_code& ec);
    bool on_object_end(std::size_t, json::error_code& ec);
    bool on_array_begin(json::error_code& ec);
    bool on_array_end(std::size_t, json::error_code& ec);
    bool on_key(json::string_view part, std::size_t size, json::error_code& ec);
    bool on_string(json::string_view part, std::size_t size, json::error_code& ec);
    bool on_uint64(std::uint64_t number, json::string_view, json::error_code& ec);

    bool on_key_part(json::string_view part, std::size_t, json::error_code& ec) {
        return collect(part, ec);
    }
    bool on_string_part(json::string_view part, std::size_t, json::error_code& ec) {
        return collect(part, ec);
    }
    bool on_number_part(json::string_view, json::error_code&) { return true; }
    bool on_int64(std::int64_t number, json::string_view text, json::error_code& ec) {
        if (number < 0) return refuse("a negative number", ec);
        return on_uint64(static_cast<std::uint64_t>(number), text, ec);
    }
    bool on_double(double, json::string_view, json::error_code& ec) {
        return refuse("a number that is no 64-bit integer", ec);
    }
    bool on_bool(bool, json::error_code& ec) { return refuse("true or false", ec); }
    bool on_null(json::error_code& ec) { return refuse("null", ec); }
    bool on_comment_part(json::string_view, json::error_code&) { return true; }
    bool on_comment(json::string_view, json::error_code&) { return true; }

    std::vector<SafeTensorEntry>& entries() { return entries_; }
    // Why the builder stopped the parser; empty when it did not.
    const std::string& refusal() const { return refusal_; }

private:
    // What the parser is inside of.
    enum class Level : std::uint8_t { document, tensors, tensor, numbers, metadata };
    enum class Field : std::uint8_t { dtype, shape, data_offsets };
    static constexpr std::array<std::string_view, 3> field_names{"dtype", "shape", "data_offsets"};

    bool collect(json::string_view part, json::error_code& ec);
    bool begin_field(json::error_code& ec);

    std::uint32_t bit(Field field) const { return 1U << static_cast<unsigned>(field); }

    bool refuse(std::string reason, json::error_code& ec) {
        refusal_ = std::move(reason);
        ec = json::error::syntax;
        return false;
    }

    Level level_ = Level::document;
    std::vector<SafeTensorEntry> entries_;  // The last is the one that `tensor` is about.
    Field field_ = Field::dtype;
    std::uint32_t fields_ = 0;            // bits: those of the last entry that have been there
    std::vector<std::uint64_t> offsets_;  // of the last entry
    std::string text_;                    // Of the key or string that has begun.
    std::string refusal_;
};

bool EntryBuilder::on_object_begin(json::error_code& ec) {
    if (level_ == Level::document) {
        level_ = Level::tensors;
        return true;
    }
    if (level_ != Level::tensors) return refuse("an object where none belongs", ec);
    std::string name = std::exchange(text_, {});
    if (name == "__metadata__") {
        level_ = Level::metadata;
        return true;
    }
    if (entries_.size() == safetensors_tensors_max)
        return refuse(fmt::format("more than {} tensors", safetensors_tensors_max), ec);
    level_ = Level::tensor;
    fields_ = 0;
    offsets_.clear();
    entries_.push_back({.name = std::move(name), .type = {}, .shape = {}, .begin = 0, .end = 0});
    return true;
}

bool EntryBuilder::on_object_end(std::size_t, json::error_code& ec) {
    if (level_ == Level::tensor) {
        SafeTensorEntry& entry = entries_.back();
        constexpr std::uint32_t all = (1U << field_names.size()) - 1;
        if (fields_ != all || offsets_.size() != 2) {
            return refuse(fmt::format("tensor \"{}\" without a dtype, shape or two data_offsets",
                                      printable(entry.name)),
                          ec);
        }
        entry.begin = offsets_[0];
        entry.end = offsets_[1];
    }
    level_ = level_ == Level::tensors ? Level::document : Level::tensors;
    return true;
}

bool EntryBuilder::on_array_begin(json::error_code& ec) {
    if (level_ != Level::tensor || field_ == Field::dtype)
        return refuse("an array where none belongs", ec);
    level_ = Level::numbers;
    return true;
}

bool EntryBuilder::on_array_end(std::size_t, json::error_code&) {
    level_ = Level::tensor;
    return true;
}

bool EntryBuilder::on_key(json::string_view part, std::size_t, json::error_code& ec) {
    if (!collect(part, ec)) return false;
    if (level_ == Level::tensor) return begin_field(ec);
    if (level_ == Level::metadata) text_.clear();
    return true;  // A tensor's name stays in `text_` until its object begins.
}

bool EntryBuilder::begin_field(json::error_code& ec) {
    const auto name = std::find(field_names.begin(), field_names.end(), text_);
    if (name == field_names.end())
        return refuse(fmt::format("the unknown key \"{}\"", printable(text_)), ec);
    field_ = static_cast<Field>(name - field_names.begin());
    if ((fields_ & bit(field_)) != 0) return refuse("\"" + text_ + "\" twice", ec);
    fields_ |= bit(field_);
    text_.clear();
    return true;
}

bool EntryBuilder::on_string(json::string_view part, std::size_t, json::error_code& ec) {
    if (!collect(part, ec)) return false;
    const bool type = level_ == Level::tensor && field_ == Field::dtype;
    if (!type && level_ != Level::metadata) return refuse("a string where none belongs", ec);
    if (type) entries_.back().type = text_;
    text_.clear();
    return true;
}

bool EntryBuilder::on_uint64(std::uint64_t number, json::string_view, json::error_code& ec) {
    if (level_ != Level::numbers) return refuse("a number where none belongs", ec);
    const bool is_shape = field_ == Field::shape;
    std::vector<std::uint64_t>& numbers = is_shape ? entries_.back().shape : offsets_;
    const std::size_t count_max = is_shape ? safetensors_dimensions_max : 2;
    if (numbers.size() == count_max) {
        return refuse(
            fmt::format("tensor \"{}\" with more than {} {}", printable(entries_.back().name),
                        count_max, is_shape ? "dimensions" : "offsets"),
            ec);
    }
    numbers.push_back(number);
    return true;
}

// Of what `__metadata__` says nothing is kept, not even for a moment.
bool EntryBuilder::collect(json::string_view part, json::error_code& ec) {
    if (level_ == Level::metadata) return true;
    const std::size_t bytes_max =
        level_ == Level::tensors ? safetensors_name_bytes_max : type_bytes_max;
    if (text_.size() + part.size() > bytes_max)
        return refuse(fmt::format("a name of more than {} bytes", bytes_max), ec);
    text_.append(part.data(), part.size());
    return true;
}

}  // namespace

Result<std::vector<SafeTensorEntry>> read_safetensors_entries(const ByteSource& source,
                                                              std::uint64_t header_bytes) {
    json::parse_options options;
    options.max_depth = 4;
    json::basic_parser<EntryBuilder> parser(options);
    std::vector<char> block(64 << 10);
    std::uint64_t done = 0;
    json::error_code ec;
    do {
        const auto wanted =
            static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), header_bytes - done));
        const auto read =
            source.read_at(8 + done, std::as_writable_bytes(std::span(block).first(wanted)));
        if (!read) return fail(read.error());
        if (*read < wanted) {
            return fail(ErrorCode::model_corrupt,
                        source.name() +
                            ": the file became shorter while it was read; is it still being "
                            "written?");
        }
        const std::size_t used =
            parser.write_some(done + wanted < header_bytes, block.data(), wanted, ec);
        if (!ec && used < wanted) ec = json::error::extra_data;
        done += used;
    } while (!ec && done < header_bytes);
    if (!ec) return std::move(parser.handler().entries());
    const std::string& refusal = parser.handler().refusal();
    return fail(ErrorCode::model_corrupt,
                fmt::format("{}: byte {} of the header is not as SafeTensors has it: {}; download "
                            "the file again",
                            source.name(), 8 + done, refusal.empty() ? ec.message() : refusal));
}

}  // namespace worker
