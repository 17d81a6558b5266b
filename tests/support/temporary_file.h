#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace worker {

// A path of this process's own, since tests run beside each other; what is there is deleted at the
// end.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& name)
        : path_(std::filesystem::temp_directory_path() / (std::to_string(getpid()) + "-" + name)) {}
    ~TemporaryFile() {
        std::error_code ec;  // It may never have been written.
        std::filesystem::remove(path_, ec);
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    const std::filesystem::path& path() const { return path_; }

private:
    const std::filesystem::path path_;
};

}  // namespace worker
