#include "worker/hugging_face/merges.h"

#include "worker/hugging_face/json_fields.h"

#include <fmt/format.h>

#include <optional>

namespace worker {
namespace {

namespace json = boost::json;

std::optional<Merge> merge_of(const json::value& value) {
    Merge merge;
    if (const json::string* text = value.if_string()) {
        const std::string_view both = *text;
        const std::size_t space = both.find(' ');
        if (space == std::string_view::npos) return std::nullopt;
        merge = {both.substr(0, space), both.substr(space + 1)};
        if (merge.right.find(' ') != std::string_view::npos) return std::nullopt;
    } else if (const json::array* pair = value.if_array(); pair && pair->size() == 2) {
        const json::string* left = pair->front().if_string();
        const json::string* right = pair->back().if_string();
        if (!left || !right) return std::nullopt;
        merge = {*left, *right};
    }
    if (merge.left.empty() || merge.right.empty()) return std::nullopt;
    return merge;
}

}  // namespace

Result<std::vector<Merge>> read_merges(const std::string& file, const json::object& model) {
    const json::array* list = array_at(model, "merges");
    if (!list) return fail(corrupt_file(file, "has no merges"));
    std::vector<Merge> merges;
    merges.reserve(list->size());
    for (const json::value& value : *list) {
        const auto merge = merge_of(value);
        if (!merge)
            return fail(corrupt_file(file, fmt::format("merge {} is no pair", merges.size())));
        merges.push_back(*merge);
    }
    return merges;
}

}  // namespace worker
