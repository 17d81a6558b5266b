#include "worker/model_file/older_catalogue.h"

#include "worker/base/quantities.h"
#include "worker/model_file/printable.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <fstream>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>

namespace worker {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<fs::path>;

// A row is a few hundred bytes, and some ten operations to look at. 100,000 models are within these
// bounds, and what is within them is read in a second.
constexpr std::uint64_t database_bytes_max = 64u << 20;
constexpr int value_bytes_max = 64 << 10;
constexpr int operations_max = 1'000'000;
constexpr int operations_between_checks = 10'000;
// A hive writes one row at a time.
constexpr int lock_wait_ms = 1000;

// More rows of one reference than this are a mistake, and each costs a look at the disk.
constexpr const char* query =
    "SELECT local_path FROM models WHERE reference = ?1 OR (provider = ?2 AND reference = ?3) "
    "ORDER BY downloaded_at DESC LIMIT 64";

struct Close {
    void operator()(sqlite3* database) const { sqlite3_close(database); }
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, Close>;
using Statement = std::unique_ptr<sqlite3_stmt, Close>;

tl::unexpected<Error> failure(int result) {
    std::string reason = sqlite3_errstr(result);
    if ((result & 0xff) == SQLITE_INTERRUPT) reason = "takes too long to search";
    const bool corrupt = (result & 0xff) == SQLITE_CORRUPT || (result & 0xff) == SQLITE_NOTADB;
    return fail(corrupt ? ErrorCode::model_corrupt : ErrorCode::model_unreadable, reason);
}

// With the library's own words, which name the table or column that is missing.
tl::unexpected<Error> failure(int result, sqlite3* database) {
    if (result == SQLITE_ERROR)
        return fail(ErrorCode::model_corrupt, printable(sqlite3_errmsg(database)));
    return failure(result);
}

// Source: SQLite's database file format, section 1.3.3 (file format version numbers).
bool is_in_wal_mode(const fs::path& database) {
    std::array<char, 20> header{};
    std::ifstream(database, std::ios::binary).read(header.data(), header.size());
    return header[18] == 2 && header[19] == 2;
}

// How to open it so that no file comes into being. A database in WAL mode is read with its log and
// the index of that, both of which the library would create; without them, all that there is to
// read is in the file itself, and nobody is writing.
std::string_view open_mode(const fs::path& database) {
    const auto beside = [&](const char* ending) {
        std::error_code ignored;
        return fs::exists(database.native() + ending, ignored);
    };
    if (!is_in_wal_mode(database)) return "mode=ro";
    return beside("-wal") && beside("-shm") ? "mode=ro&readonly_shm=1" : "immutable=1";
}

// Source: "Uniform Resource Identifiers" of SQLite.
std::string uri(const fs::path& database) {
    std::string text = "file:";
    for (const char c : database.native()) {
        if (c == '%' || c == '?' || c == '#')
            text += fmt::format("%{:02x}", c);
        else
            text += c;
    }
    return fmt::format("{}?{}", text, open_mode(database));
}

int one_more_check(void* checks) {
    return ++*static_cast<int*>(checks) > operations_max / operations_between_checks ? 1 : 0;
}

// Source: "Defense Against The Dark Arts" of SQLite. No mmap: a file that somebody cuts short would
// be a SIGBUS.
Result<Database> open_database(const fs::path& file, int* checks) {
    sqlite3* opened = nullptr;
    const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    const int result = sqlite3_open_v2(uri(file).c_str(), &opened, flags, nullptr);
    Database database(opened);
    if (result != SQLITE_OK) return failure(result);
    sqlite3_busy_timeout(opened, lock_wait_ms);
    sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, value_bytes_max);
    sqlite3_progress_handler(opened, operations_between_checks, one_more_check, checks);
    for (const int allowance : {SQLITE_DBCONFIG_ENABLE_VIEW, SQLITE_DBCONFIG_ENABLE_TRIGGER,
                                SQLITE_DBCONFIG_TRUSTED_SCHEMA})
        sqlite3_db_config(opened, allowance, 0, nullptr);
    const int set = sqlite3_exec(
        opened, "PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0; PRAGMA cell_size_check=ON", nullptr,
        nullptr, nullptr);
    if (set != SQLITE_OK) return failure(set, opened);
    return database;
}

void bind(sqlite3_stmt* statement, int parameter, std::string_view text) {
    sqlite3_bind_text64(statement, parameter, text.data(), text.size(), SQLITE_TRANSIENT,
                        SQLITE_UTF8);
}

Result<Statement> prepare(sqlite3* database, std::string_view reference) {
    sqlite3_stmt* prepared = nullptr;
    const int result = sqlite3_prepare_v2(database, query, -1, &prepared, nullptr);
    Statement statement(prepared);
    if (result != SQLITE_OK) return failure(result, database);
    bind(prepared, 1, reference);
    // Without a provider both parameters stay NULL, which equals nothing.
    if (const auto colon = reference.find(':'); colon != std::string_view::npos) {
        bind(prepared, 2, reference.substr(0, colon));
        bind(prepared, 3, reference.substr(colon + 1));
    }
    return statement;
}

std::optional<std::string> path_of_row(sqlite3_stmt* statement) {
    if (sqlite3_column_type(statement, 0) != SQLITE_TEXT) return {};
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    if (text == nullptr) return {};
    std::string path(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, 0)));
    if (path.empty() || path.find('\0') != std::string::npos) return {};
    return path;
}

// Errors: as its caller's; a kind of file that SQLite might wait for, or is too large to be one.
Result<void> check_file(const fs::path& file) {
    std::error_code error;
    if (!fs::is_regular_file(file, error))
        return fail(ErrorCode::model_unreadable, error ? error.message() : "not a regular file");
    const std::uint64_t bytes = fs::file_size(file, error);
    if (error) return fail(ErrorCode::model_unreadable, error.message());
    if (bytes > database_bytes_max) {
        return fail(ErrorCode::model_corrupt,
                    fmt::format("larger than {}", format_bytes(database_bytes_max)));
    }
    return {};
}

}  // namespace

Result<Paths> read_older_catalogue(const fs::path& database, const std::string& reference) {
    std::error_code error;
    // Where the file itself lies: that is where SQLite looks for what belongs to it.
    const fs::path file = fs::canonical(database, error);
    if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory)
        return Paths{};
    if (error) return fail(ErrorCode::model_unreadable, error.message());
    if (const auto fit = check_file(file); !fit) return fail(fit.error());

    int checks = 0;
    const auto opened = open_database(file, &checks);
    if (!opened) return fail(opened.error());
    const auto statement = prepare(opened->get(), reference);
    if (!statement) return fail(statement.error());

    Paths paths;
    int rows = 0;
    int result = SQLITE_ROW;
    for (; (result = sqlite3_step(statement->get())) == SQLITE_ROW; ++rows) {
        if (const auto path = path_of_row(statement->get()))
            paths.push_back(database.parent_path() / *path);
    }
    if (result != SQLITE_DONE) return failure(result, opened->get());
    if (rows > 0 && paths.empty())
        return fail(ErrorCode::model_corrupt, "local_path of this model is no path");
    return paths;
}

}  // namespace worker
