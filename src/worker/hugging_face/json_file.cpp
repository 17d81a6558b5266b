#include "worker/hugging_face/json_file.h"

#include "worker/base/json.h"
#include "worker/base/quantities.h"
#include "worker/hugging_face/json_fields.h"
#include "worker/model_file/byte_source.h"
#include "worker/model_file/printable.h"

#include <fmt/format.h>

#include <span>
#include <utility>

namespace worker {

namespace json = boost::json;

Result<std::string> read_model_text(const std::filesystem::path& path) {
    const auto file = open_file(path);
    if (!file) return fail(file.error());
    const ByteSource& source = **file;
    if (source.size() > model_text_bytes_max) {
        return fail(
            corrupt_file(source.name(),
                         "is larger than " + format_bytes(model_text_bytes_max) + " and no text"));
    }
    std::string text(static_cast<std::size_t>(source.size()), '\0');
    const auto read = source.read_at(0, std::as_writable_bytes(std::span(text)));
    if (!read) return fail(read.error());
    text.resize(*read);
    return text;
}

Result<json::value> read_json(const std::filesystem::path& path) {
    const auto text = read_model_text(path);
    if (!text) return fail(text.error());
    auto value = parse_json(*text);
    if (!value) return fail(corrupt_file(printable_path(path.native()), value.error().message));
    return value;
}

Result<json::object> read_json_object(const std::filesystem::path& path) {
    auto value = read_json(path);
    if (!value) return fail(value.error());
    json::object* object = value->if_object();
    if (!object) return fail(corrupt_file(printable_path(path.native()), "holds no JSON object"));
    return std::move(*object);
}

Result<json::object> read_optional_object(const std::filesystem::path& path) {
    auto object = read_json_object(path);
    if (!object && object.error().code == ErrorCode::model_not_found) return json::object();
    return object;
}

}  // namespace worker
