#pragma once

#include "worker/base/assert.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace worker {

// For tests: a folder that stands for "/", with files of the test's choice.
class FakeRoot {
public:
    FakeRoot() {
        std::string name = std::filesystem::temp_directory_path() / "fake_root_XXXXXX";
        WORKER_ASSERT(mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~FakeRoot() { std::filesystem::remove_all(path_); }
    FakeRoot(const FakeRoot&) = delete;
    FakeRoot& operator=(const FakeRoot&) = delete;

    const std::filesystem::path& path() const { return path_; }

    void write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories((path_ / name).parent_path());
        std::ofstream(path_ / name) << text;
    }

private:
    std::filesystem::path path_;
};

}  // namespace worker
