#include "worker/app/small_file.h"

#include <filesystem>
#include <fstream>

namespace worker {

Result<std::string> read_small_file(const std::string& path) {
    std::error_code failure;
    const std::filesystem::file_status status = std::filesystem::status(path, failure);
    if (failure) {
        return fail(ErrorCode::config_invalid, "cannot be read: " + failure.message());
    }
    if (!std::filesystem::is_regular_file(status)) {
        return fail(ErrorCode::config_invalid, "is not a regular file");
    }
    std::ifstream file(path, std::ios::binary);
    std::string text(small_file_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!file.is_open() || file.bad()) {
        return fail(ErrorCode::config_invalid, "cannot be read: is it readable for this user?");
    }
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > small_file_bytes_max) {
        return fail(ErrorCode::config_invalid, "is longer than 1 MiB");
    }
    return text;
}

}  // namespace worker
