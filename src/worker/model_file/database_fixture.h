#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <string>

namespace worker {

// A database as a hive writes it, open until the end of the variable.
using WritableDatabase = std::unique_ptr<sqlite3, int (*)(sqlite3*)>;

inline WritableDatabase open_for_writing(const std::filesystem::path& path) {
    std::filesystem::create_directories(path.parent_path());
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK) << path;
    return {database, sqlite3_close};
}

inline void execute(const WritableDatabase& database, const std::string& sql) {
    EXPECT_EQ(sqlite3_exec(database.get(), sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database.get()) << ": " << sql;
}

inline const std::string models_table =
    "CREATE TABLE models (reference TEXT, provider TEXT, local_path TEXT, size_bytes INTEGER, "
    "downloaded_at INTEGER);";

// A row of `models_table`.
inline std::string insert_model(const std::string& reference, const std::string& local_path,
                                int downloaded_at = 0) {
    return "INSERT INTO models VALUES ('" + reference + "', 'hf', '" + local_path + "', 4, " +
           std::to_string(downloaded_at) + ");";
}

}  // namespace worker
