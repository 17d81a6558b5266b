#include "worker/model_file/older_catalogue.h"

#include "worker/model_file/database_fixture.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <random>
#include <set>

namespace worker {
namespace {

namespace fs = std::filesystem;

class OlderCatalogueTest : public testing::Test {
protected:
    OlderCatalogueTest() {
        std::string name = (fs::temp_directory_path() / "older #1%20?.XXXXXX").string();
        root_ = ::mkdtemp(name.data());
        database_ = root_ / "models.db";
    }
    ~OlderCatalogueTest() override { fs::remove_all(root_); }

    void build(const std::string& sql) { execute(open_for_writing(database_), sql); }

    std::string bytes() const {
        std::ifstream file(database_, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void write(std::string_view text) const {
        std::ofstream(database_, std::ios::binary | std::ios::trunc) << text;
    }

    std::set<fs::path> files() const {
        return {fs::recursive_directory_iterator(root_), fs::recursive_directory_iterator()};
    }

    // Reading leaves the folder as it was.
    void check_paths(const std::string& reference, const std::vector<fs::path>& expected) const {
        const std::set<fs::path> before = files();
        const auto paths = read_older_catalogue(database_, reference);
        ASSERT_TRUE(paths) << paths.error().message;
        EXPECT_EQ(*paths, expected);
        EXPECT_EQ(files(), before);
    }

    void check_refused(ErrorCode code, const std::string& words) const {
        const std::set<fs::path> before = files();
        const auto paths = read_older_catalogue(database_, "m");
        ASSERT_FALSE(paths) << words;
        EXPECT_EQ(paths.error().code, code) << paths.error().message;
        EXPECT_NE(paths.error().message.find(words), std::string::npos) << paths.error().message;
        EXPECT_EQ(files(), before);
    }

    fs::path root_;
    fs::path database_;
};

TEST_F(OlderCatalogueTest, the_newest_of_several_rows_comes_first) {
    build(models_table + insert_model("m", "/a", 10) + insert_model("m", "/c", 30) +
          insert_model("other", "/d", 40) + insert_model("m", "/b", 20));
    check_paths("m", {"/c", "/b", "/a"});
    check_paths("none", {});
}

TEST_F(OlderCatalogueTest, a_reference_may_carry_its_provider) {
    build(models_table + insert_model("org/name", "/a"));
    check_paths("hf:org/name", {"/a"});
    check_paths("elsewhere:org/name", {});
    check_paths(":org/name", {});
}

TEST_F(OlderCatalogueTest, a_relative_path_begins_beside_the_database) {
    build(models_table + insert_model("m", "models/m.gguf"));
    check_paths("m", {root_ / "models/m.gguf"});
}

TEST_F(OlderCatalogueTest, a_reference_is_no_sql_and_no_pattern) {
    build(models_table + insert_model("m", "/a"));
    for (const auto* reference : {"' OR 1=1 --", "%", "*", "M", ""}) check_paths(reference, {});
}

TEST_F(OlderCatalogueTest, a_row_without_a_path_is_passed_over) {
    build(models_table + insert_model("m", "/a", 1) + insert_model("m", "", 2) +
          "INSERT INTO models(reference, local_path) VALUES ('m', NULL), ('m', x'2f61'), "
          "('m', char(47, 0, 97)), ('m', 'late');");
    check_paths("m", {"/a", root_ / "late"});
    build("DELETE FROM models WHERE local_path IN ('/a', 'late')");
    check_refused(ErrorCode::model_corrupt, "is no path");
}

TEST_F(OlderCatalogueTest, columns_may_have_any_type) {
    build(
        "CREATE TABLE models (reference, provider BLOB, local_path INTEGER, downloaded_at TEXT);"
        "INSERT INTO models VALUES ('m', 'hf', '/old', '2025-01-31T12:00:00Z'),"
        "                          ('m', 'hf', '/new', '2025-02-01T12:00:00Z');");
    check_paths("hf:m", {"/new", "/old"});
}

TEST_F(OlderCatalogueTest, no_database_holds_nothing) {
    check_paths("m", {});
    database_ = root_ / "no/such/models.db";
    check_paths("m", {});
}

TEST_F(OlderCatalogueTest, what_is_no_catalogue_is_refused_with_the_reason) {
    write("");
    check_refused(ErrorCode::model_corrupt, "no such table: models");
    build("CREATE TABLE models (reference TEXT, provider TEXT, downloaded_at INTEGER)");
    check_refused(ErrorCode::model_corrupt, "no such column: local_path");
    build(
        "DROP TABLE models; CREATE VIEW models AS SELECT 'm' reference, '' provider, '/a' "
        "local_path, 0 downloaded_at");
    check_refused(ErrorCode::model_corrupt, "view");
    write(std::string(5000, 'x'));
    check_refused(ErrorCode::model_corrupt, "not a database");
    fs::resize_file(database_, 1ULL << 40);
    check_refused(ErrorCode::model_corrupt, "larger than 64");
    fs::remove(database_);
    fs::create_directory(database_);
    check_refused(ErrorCode::model_unreadable, "not a regular file");
    fs::remove(database_);
    ASSERT_EQ(::mkfifo(database_.c_str(), 0600), 0);
    check_refused(ErrorCode::model_unreadable, "not a regular file");
}

TEST_F(OlderCatalogueTest, a_file_that_is_cut_short_is_corrupt) {
    build(models_table + insert_model("m", std::string(20'000, 'a')));
    write(bytes().substr(0, 9000));
    check_refused(ErrorCode::model_corrupt, "malformed");
}

TEST_F(OlderCatalogueTest, a_path_longer_than_any_is_refused) {
    build(models_table + insert_model("m", std::string(100'000, 'a')));
    check_refused(ErrorCode::model_unreadable, "too big");
}

TEST_F(OlderCatalogueTest, a_search_without_end_is_given_up) {
    build(models_table +
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 400000) "
          "INSERT INTO models(reference) SELECT '' FROM n");
    check_refused(ErrorCode::model_unreadable, "too long");
}

TEST_F(OlderCatalogueTest, changed_bytes_are_answered) {
    build(models_table + "CREATE INDEX i ON models(reference, provider);" +
          insert_model("m", "/a", 1) + insert_model("hf:m", std::string(9000, 'b'), 2));
    const std::string whole = bytes();
    std::mt19937 random(1);
    for (int round = 0; round < 500; ++round) {
        std::string changed = whole;
        // Most of what decides is where a page begins.
        for (int change = 0; change < 4; ++change) {
            const std::size_t page = random() % (changed.size() / 4096) * 4096;
            changed[page + random() % (round % 2 == 0 ? 128 : 4096)] = static_cast<char>(random());
        }
        write(changed);
        const auto paths = read_older_catalogue(database_, "m");
        EXPECT_TRUE(paths || !paths.error().message.empty()) << round;
    }
}

// A process that has run some SQL and keeps the database open for as long as the variable lives.
// Within one process SQLite would share the log's index and hide what two processes do.
class Hive {
public:
    Hive(const fs::path& database, const std::string& sql) {
        int done[2];
        int ended[2];
        if (::pipe(done) != 0 || ::pipe(ended) != 0) return;
        child_ = ::fork();
        if (child_ == 0) {
            ::close(ended[1]);
            const WritableDatabase opened = open_for_writing(database);
            execute(opened, sql);
            char byte = 0;
            const bool told = ::write(done[1], "", 1) == 1 && ::read(ended[0], &byte, 1) == 0;
            ::_exit(told ? 0 : 1);
        }
        char byte = 0;
        ::close(done[1]);
        EXPECT_EQ(::read(done[0], &byte, 1), 1);
        ::close(done[0]);
        ::close(ended[0]);
        ended_ = ended[1];
    }
    ~Hive() {
        ::close(ended_);
        ::waitpid(child_, nullptr, 0);
    }
    Hive(const Hive&) = delete;
    Hive& operator=(const Hive&) = delete;

private:
    pid_t child_ = -1;
    int ended_ = -1;
};

TEST_F(OlderCatalogueTest, what_a_hive_has_just_written_is_read_beside_it) {
    for (const auto* mode : {"DELETE", "TRUNCATE", "PERSIST", "WAL"}) {
        const Hive hive(database_, "PRAGMA journal_mode=" + std::string(mode) +
                                       ";DROP TABLE IF EXISTS models;" + models_table +
                                       insert_model("m", "/a", 1) + insert_model("m", "/b", 2) +
                                       "BEGIN IMMEDIATE;" + insert_model("m", "/not yet", 3));
        check_paths("m", {"/b", "/a"});
    }
}

TEST_F(OlderCatalogueTest, a_write_ahead_log_is_not_needed_and_not_made) {
    build("PRAGMA journal_mode=WAL;" + models_table + insert_model("m", "/a"));
    check_paths("m", {"/a"});
    const fs::path link = root_ / "link.db";
    fs::create_symlink(database_, link);
    database_ = link;
    check_paths("m", {"/a"});
}

// As a hive leaves it that was killed.
TEST_F(OlderCatalogueTest, a_log_that_was_left_behind_is_read) {
    const fs::path left = root_ / "left";
    fs::create_directory(left);
    {
        const WritableDatabase hive = open_for_writing(database_);
        execute(hive, "PRAGMA journal_mode=WAL;" + models_table + insert_model("m", "/a", 1));
        execute(hive, "PRAGMA wal_checkpoint(TRUNCATE)");
        execute(hive, insert_model("m", "/b", 2));
        for (const auto* ending : {"", "-wal", "-shm"})
            fs::copy(database_.native() + ending, left / ("models.db" + std::string(ending)));
    }
    database_ = left / "models.db";
    check_paths("m", {"/b", "/a"});
    fs::remove(left / "models.db-shm");
    check_paths("m", {"/a"});
}

TEST_F(OlderCatalogueTest, a_locked_database_is_not_waited_for_without_end) {
    const Hive hive(database_, models_table + "BEGIN EXCLUSIVE");
    check_refused(ErrorCode::model_unreadable, "locked");
}

}  // namespace
}  // namespace worker
