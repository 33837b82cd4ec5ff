// journal_layout.cpp: a row per task, or a row per batch with a bitmap of what is settled?
// SPDX-License-Identifier: MIT
//
// Usage: perf_journal_layout [FOLDER] [TASKS] [ROUNDS]. A steady flow: in each turn a group of
// tasks comes in and as many of the oldest are settled, in runs of 64 from eight workers, with a
// backlog of 100,000; every turn ends durable. The layouts and a bare log (write, fdatasync)
// take turns, round by round; printed are the medians, as ratios to the bare log too.
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "perf/usage.hpp"

namespace {

using perf::cpu_seconds;
using perf::seconds_since;

using Clock = std::chrono::steady_clock;

struct Run {
  std::uint64_t first = 0, count = 0;
};

double device_bytes() {
  std::ifstream io("/proc/self/io");
  for (std::string word; io >> word;) {
    double value = 0;
    io >> value;
    if (word == "write_bytes:") return value;
  }
  return 0;
}

// What a layout has to do in a turn, and after a restart.
class Layout {
 public:
  virtual ~Layout() = default;
  virtual void begin() = 0;
  virtual void take(std::uint64_t first, std::size_t count, const std::string& payload) = 0;
  virtual void settle(Run run) = 0;
  virtual void commit() = 0;
  virtual std::uint64_t replay() = 0;
};

class BareLog final : public Layout {
 public:
  explicit BareLog(const std::string& folder)
      : path_(folder + "/bare.log"),
        fd_(::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {}
  ~BareLog() override { ::close(fd_); }
  BareLog(const BareLog&) = delete;
  BareLog& operator=(const BareLog&) = delete;
  void begin() override { buffer_.clear(); }
  void take(std::uint64_t first, std::size_t count, const std::string& payload) override {
    for (std::uint64_t seq = first; seq < first + count; ++seq) put(seq, payload);
  }
  void settle(Run run) override { put(run.first, std::string(8, 'x')); }
  void commit() override {
    if (::write(fd_, buffer_.data(), buffer_.size()) < 0 || ::fdatasync(fd_) != 0) std::abort();
  }
  std::uint64_t replay() override {
    std::ifstream file(path_, std::ios::binary);
    std::string chunk(1 << 20, '\0');
    std::uint64_t bytes = 0;
    while (file.read(chunk.data(), static_cast<std::streamsize>(chunk.size())), file.gcount() > 0)
      bytes += static_cast<std::uint64_t>(file.gcount());
    return bytes;
  }

 private:
  void put(std::uint64_t seq, const std::string& payload) {
    buffer_.append(reinterpret_cast<const char*>(&seq), sizeof seq);
    buffer_.append(payload);
  }
  std::string path_;
  int fd_;
  std::string buffer_;
};

class Database : public Layout {
 public:
  Database(const std::string& path, int page_bytes) {
    std::filesystem::remove(path);
    std::filesystem::remove(path + "-wal");
    check(sqlite3_open(path.c_str(), &db_));
    run("PRAGMA page_size=" + std::to_string(page_bytes));
    run("PRAGMA auto_vacuum=INCREMENTAL");
    run("PRAGMA locking_mode=EXCLUSIVE");
    run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=FULL");
    run("PRAGMA wal_autocheckpoint=4000");
    run("PRAGMA cache_size=-32768");
  }
  ~Database() override {
    for (sqlite3_stmt* statement : statements_) sqlite3_finalize(statement);
    sqlite3_close(db_);
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  void begin() override { step(begin_); }
  void commit() override { step(commit_); }

 protected:
  void check(int rc) {
    if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW) return;
    std::fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(db_));
    std::abort();
  }
  void run(const std::string& sql) {
    check(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr));
  }
  sqlite3_stmt* prepare(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v3(db_, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr));
    statements_.push_back(statement);
    return statement;
  }
  void step(sqlite3_stmt* statement) {
    check(sqlite3_step(statement));
    check(sqlite3_reset(statement));
  }
  void bind(sqlite3_stmt* statement, int at, std::uint64_t value) {
    sqlite3_bind_int64(statement, at, static_cast<sqlite3_int64>(value));
  }
  void bind(sqlite3_stmt* statement, int at, const std::string& bytes) {
    sqlite3_bind_blob64(statement, at, bytes.data(), bytes.size(), SQLITE_STATIC);
  }
  void prepare_turns() {
    begin_ = prepare("BEGIN IMMEDIATE");
    commit_ = prepare("COMMIT");
  }
  sqlite3* db_ = nullptr;

 private:
  std::vector<sqlite3_stmt*> statements_;
  sqlite3_stmt* begin_ = nullptr;
  sqlite3_stmt* commit_ = nullptr;
};

// Named columns, most of them empty, and an index-free table by seq.
class RowPerTask final : public Database {
 public:
  RowPerTask(const std::string& path, int page_bytes) : Database(path, page_bytes) {
    run("CREATE TABLE task(seq INTEGER PRIMARY KEY, type, policy, sink, priority, flags, exec_ms,"
        "not_before, expires, key, payload, crc)");
    run("CREATE TABLE state(id INTEGER PRIMARY KEY, turn, tasks, sum)");
    run("INSERT INTO state VALUES(1,0,0,0)");
    prepare_turns();
    std::string rows;
    for (int i = 0; i < kRows; ++i) rows += std::string(i ? "," : "") + "(?,?,?,?,?,?,?,?,?,?,?,?)";
    many_ = prepare("INSERT INTO task VALUES" + rows);
    one_ = prepare("INSERT INTO task VALUES(?,?,?,?,?,?,?,?,?,?,?,?)");
    remove_ = prepare("DELETE FROM task WHERE seq BETWEEN ? AND ?");
    state_ = prepare("UPDATE state SET turn=turn+1, tasks=?, sum=? WHERE id=1");
    all_ = prepare("SELECT * FROM task ORDER BY seq");
  }
  void take(std::uint64_t first, std::size_t count, const std::string& payload) override {
    std::size_t done = 0;
    for (; count - done >= kRows; done += kRows) {
      for (int i = 0; i < kRows; ++i) fill(many_, i * 12, first + done + std::size_t(i), payload);
      step(many_);
    }
    for (; done < count; ++done) {
      fill(one_, 0, first + done, payload);
      step(one_);
    }
  }
  void settle(Run run) override {
    bind(remove_, 1, run.first);
    bind(remove_, 2, run.first + run.count - 1);
    step(remove_);
  }
  void commit() override {
    bind(state_, 1, ++turn_);
    bind(state_, 2, turn_ * 7);
    step(state_);
    Database::commit();
  }
  std::uint64_t replay() override {
    std::uint64_t bytes = 0;
    while (sqlite3_step(all_) == SQLITE_ROW)
      bytes += static_cast<std::uint64_t>(sqlite3_column_bytes(all_, 10));
    sqlite3_reset(all_);
    return bytes;
  }

 private:
  static constexpr int kRows = 16;
  void fill(sqlite3_stmt* to, int at, std::uint64_t seq, const std::string& payload) {
    bind(to, at + 1, seq);
    bind(to, at + 2, 1);
    bind(to, at + 3, 1);
    for (int i = 4; i <= 9; ++i) bind(to, at + i, 0);
    bind(to, at + 11, payload);
    bind(to, at + 12, seq * 2654435761U & 0xffffffffU);
  }
  std::uint64_t turn_ = 0;
  sqlite3_stmt *many_, *one_, *remove_, *state_, *all_;
};

// Batches of at most 256 tasks and 64 KiB; the bits lie in a table of their own, so that a settle
// does not write payloads again. The map in memory stands for what a ventilator would keep.
class RowPerBatch final : public Database {
 public:
  RowPerBatch(const std::string& path, int page_bytes) : Database(path, page_bytes) {
    run("CREATE TABLE batch(first INTEGER PRIMARY KEY, count, crc, tasks)");
    run("CREATE TABLE settled(first INTEGER PRIMARY KEY, bits)");
    run("CREATE TABLE state(id INTEGER PRIMARY KEY, turn, tasks, sum)");
    run("INSERT INTO state VALUES(1,0,0,0)");
    prepare_turns();
    insert_ = prepare("INSERT INTO batch VALUES(?,?,?,?)");
    bits_ = prepare("INSERT INTO settled VALUES(?1,?2) ON CONFLICT DO UPDATE SET bits=?2");
    drop_ = prepare("DELETE FROM batch WHERE first=?");
    drop_bits_ = prepare("DELETE FROM settled WHERE first=?");
    state_ = prepare("UPDATE state SET turn=turn+1, tasks=?, sum=? WHERE id=1");
    all_ = prepare("SELECT first,count,tasks FROM batch ORDER BY first");
  }
  void take(std::uint64_t first, std::size_t count, const std::string& payload) override {
    const std::size_t most = std::clamp<std::size_t>(65536 / (payload.size() + 12), 1, 256);
    for (std::size_t done = 0; done < count;) {
      const std::size_t n = std::min(most, count - done);
      blob_.clear();
      for (std::size_t i = 0; i < n; ++i) {
        blob_.append(12, '\1');
        blob_.append(payload);
      }
      bind(insert_, 1, first + done);
      bind(insert_, 2, n);
      bind(insert_, 3, done * 2654435761U & 0xffffffffU);
      bind(insert_, 4, blob_);
      step(insert_);
      batches_[first + done] = {n, n, std::string((n + 7) / 8, '\0')};
      done += n;
    }
  }
  void settle(Run run) override {
    while (run.count > 0) {
      auto at = std::prev(batches_.upper_bound(run.first));
      const std::uint64_t from = run.first - at->first;
      const std::uint64_t n = std::min(run.count, at->second.count - from);
      for (std::uint64_t i = from; i < from + n; ++i)
        at->second.bits[i / 8] = static_cast<char>(at->second.bits[i / 8] | 1 << i % 8);
      at->second.left -= n;
      changed_.push_back(at->first);
      run.first += n;
      run.count -= n;
    }
  }
  void commit() override {
    std::sort(changed_.begin(), changed_.end());
    changed_.erase(std::unique(changed_.begin(), changed_.end()), changed_.end());
    for (const std::uint64_t first : changed_) {
      const auto at = batches_.find(first);
      if (at->second.left == 0) {
        bind(drop_, 1, first);
        step(drop_);
        bind(drop_bits_, 1, first);
        step(drop_bits_);
        batches_.erase(at);
      } else {
        bind(bits_, 1, first);
        bind(bits_, 2, at->second.bits);
        step(bits_);
      }
    }
    changed_.clear();
    bind(state_, 1, ++turn_);
    bind(state_, 2, turn_ * 7);
    step(state_);
    Database::commit();
  }
  std::uint64_t replay() override {
    std::uint64_t bytes = 0;
    while (sqlite3_step(all_) == SQLITE_ROW) {
      static_cast<void>(sqlite3_column_blob(all_, 2));
      bytes += static_cast<std::uint64_t>(sqlite3_column_bytes(all_, 2));
    }
    sqlite3_reset(all_);
    return bytes;
  }

 private:
  struct Batch {
    std::uint64_t count = 0, left = 0;
    std::string bits;
  };
  std::map<std::uint64_t, Batch> batches_;
  std::vector<std::uint64_t> changed_;
  std::string blob_;
  std::uint64_t turn_ = 0;
  sqlite3_stmt *insert_, *bits_, *drop_, *drop_bits_, *state_, *all_;
};

// Which tasks end, in which order: the oldest eight runs of 64 are under way at a time.
class Acks {
 public:
  explicit Acks(std::uint64_t seed) : random_(seed) {}
  std::vector<Run> next(std::uint64_t count) {
    std::vector<Run> out;
    while (count > 0) {
      while (running_.size() < 8) {
        running_.push_back({next_, 64});
        next_ += 64;
      }
      Run& run = running_[random_() % running_.size()];
      const std::uint64_t n = std::min({count, run.count, random_() % 64 + 1});
      out.push_back({run.first, n});
      run.first += n;
      run.count -= n;
      count -= n;
      std::erase_if(running_, [](const Run& one) { return one.count == 0; });
    }
    return out;
  }

 private:
  std::mt19937_64 random_;
  std::vector<Run> running_;
  std::uint64_t next_ = 1;
};

struct Figures {
  double rate = 0, cpu = 0, device = 0, replay_rate = 0;
};

Figures measure(Layout& layout, std::size_t group, std::size_t payload_bytes, std::size_t tasks) {
  constexpr std::size_t kBacklog = 100'000;
  const std::string payload(payload_bytes, 'p');
  Acks acks(1);
  std::uint64_t seq = 1;
  for (; seq < kBacklog; seq += 4096) {
    layout.begin();
    layout.take(seq, 4096, payload);
    layout.commit();
  }
  const double cpu = cpu_seconds(), device = device_bytes();
  const auto start = Clock::now();
  for (std::size_t done = 0; done < tasks; done += group) {
    layout.begin();
    layout.take(seq, group, payload);
    seq += group;
    for (const Run& run : acks.next(group)) layout.settle(run);
    layout.commit();
  }
  const auto n = static_cast<double>(tasks);
  Figures out;
  out.rate = n / seconds_since(start);
  out.cpu = (cpu_seconds() - cpu) / n * 1e6;
  out.device = (device_bytes() - device) / n / static_cast<double>(payload_bytes);
  const auto again = Clock::now();
  static_cast<void>(layout.replay());
  out.replay_rate = kBacklog / seconds_since(again);
  return out;
}

double median(std::vector<Figures>& runs, double Figures::*which) {
  std::sort(runs.begin(), runs.end(),
            [which](const Figures& a, const Figures& b) { return a.*which < b.*which; });
  return runs[runs.size() / 2].*which;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string folder = argc > 1 ? argv[1] : std::filesystem::temp_directory_path().string();
  const std::size_t tasks = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 400'000;
  const std::size_t rounds = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 3;
  constexpr const char* kNames[] = {"bare log", "row per task", "row per batch"};
  std::printf("%-14s %6s %6s %10s %6s %9s %9s %12s\n", "layout", "group", "bytes", "tasks/s",
              "ratio", "cpu us", "device x", "replayed/s");
  for (const std::size_t bytes : {128UL, 1024UL}) {
    for (const std::size_t group : {1UL, 32UL, 256UL, 4096UL}) {
      std::vector<Figures> all[3];
      const std::size_t n = group == 1 ? tasks / 100 : group == 32 ? tasks / 4 : tasks;
      const int page = 4096;
      for (std::size_t round = 0; round < rounds; ++round) {
        for (int which = 0; which < 3; ++which) {
          const std::string path = folder + "/layout.db";
          std::unique_ptr<Layout> layout;
          if (which == 0) layout = std::make_unique<BareLog>(folder);
          if (which == 1) layout = std::make_unique<RowPerTask>(path, page);
          if (which == 2) layout = std::make_unique<RowPerBatch>(path, page);
          all[which].push_back(measure(*layout, group, bytes, n));
        }
      }
      const double bare = median(all[0], &Figures::rate);
      for (int which = 0; which < 3; ++which) {
        const double rate = median(all[which], &Figures::rate);
        std::printf("%-14s %6zu %6zu %10.0f %6.2f %9.2f %9.2f %12.0f\n", kNames[which], group,
                    bytes, rate, rate / bare, median(all[which], &Figures::cpu),
                    median(all[which], &Figures::device),
                    median(all[which], &Figures::replay_rate));
        std::fflush(stdout);
      }
    }
  }
}
