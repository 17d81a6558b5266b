#pragma once

#include "worker/contract/json_object.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace embedding {

// The list of vectors in a reply: in the order of the inputs, however they come.
class EmbeddingList {
public:
    // `item`: the object of one vector, as JSON.
    void add(std::uint32_t index, std::string item);

    // {`before`…,`key`:[…],`after`…}, copied once: lists are large.
    std::string in(const worker::JsonObject& before, std::string_view key,
                   const worker::JsonObject& after) const;

private:
    std::vector<std::string> items_;
    std::size_t bytes_ = 0;
};

}  // namespace embedding
