// SQLite behind its wrapper: opening, statements by text, outcomes of a step.
#include "sim/storage/connection.h"

#include <sqlite3.h>

#include <utility>

#include "base/error.h"
#include "sim/storage/collation.h"

namespace tailrace::sim {
namespace {

constexpr std::size_t idle_limit = 512;

[[noreturn]] void fail(sqlite3* database, std::string_view what) {
  if (sqlite3_errcode(database) == SQLITE_INTERRUPT) throw Interrupted{};
  throw Error(ErrorKind::internal, "SQLite refuses: " + std::string(sqlite3_errmsg(database)))
      .with("statement", what.substr(0, 400));
}

template <CollationKind kind>
int collate(void*, int left_bytes, const void* left, int right_bytes, const void* right) {
  return compare_text(kind, {static_cast<const char*>(left), static_cast<std::size_t>(left_bytes)},
                      {static_cast<const char*>(right), static_cast<std::size_t>(right_bytes)});
}

// SQLite asks for a collation the first time that it meets its name.
void collation_needed(void*, sqlite3* database, int, const char* name) {
  CollationKind kind{};
  if (!find_collation(name, kind)) return;
  auto* function = kind == CollationKind::ignore_case  ? collate<CollationKind::ignore_case>
                   : kind == CollationKind::match_case ? collate<CollationKind::match_case>
                                                       : collate<CollationKind::binary>;
  sqlite3_create_collation_v2(database, name, SQLITE_UTF8, nullptr, function, nullptr);
}

}  // namespace

Connection::Connection(const std::string& path, bool durable) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (sqlite3_open_v2(path.c_str(), &database_, flags, nullptr) != SQLITE_OK) {
    const std::string why = database_ == nullptr ? "out of memory" : sqlite3_errmsg(database_);
    sqlite3_close_v2(database_);
    throw Error(ErrorKind::unavailable, "a database file cannot be opened: " + why).with("path", path);
  }
  sqlite3_busy_timeout(database_, 10'000);
  sqlite3_collation_needed(database_, nullptr, collation_needed);
  sqlite3_db_config(database_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(database_, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  execute(
      "PRAGMA journal_mode = WAL; PRAGMA cache_size = -8192; PRAGMA mmap_size = 268435456;"
      "PRAGMA wal_autocheckpoint = 4000; PRAGMA recursive_triggers = ON; PRAGMA trusted_schema = ON");
  execute(durable ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = OFF");
}

Connection::~Connection() {
  for (const auto& [sql, statement] : idle_)
    sqlite3_finalize(statement);
  sqlite3_close_v2(database_);
}

Statement Connection::try_prepare(std::string_view sql, std::string& error) {
  const std::string text(sql);
  if (const auto found = idle_.find(text); found != idle_.end()) {
    sqlite3_stmt* statement = found->second;
    idle_.erase(found);
    return {*this, statement};
  }
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  if (const int code = sqlite3_prepare_v3(database_, text.c_str(), static_cast<int>(text.size()),
                                          SQLITE_PREPARE_PERSISTENT, &statement, &tail);
      code != SQLITE_OK) {
    if (code == SQLITE_INTERRUPT) throw Interrupted{};
    error = sqlite3_errmsg(database_);
    return {};
  }
  if (statement == nullptr) {
    error = "empty statement";
    return {};
  }
  return {*this, statement};
}

Statement Connection::prepare(std::string_view sql) {
  std::string error;
  Statement statement = try_prepare(sql, error);
  if (statement.handle() == nullptr) fail(database_, sql);
  return statement;
}

void Connection::execute(std::string_view sql) {
  if (sqlite3_exec(database_, std::string(sql).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    fail(database_, sql);
  }
}

std::int64_t Connection::single_number(std::string_view sql) {
  Statement statement = prepare(sql);
  return statement.next() ? statement.number(0) : 0;
}

bool Connection::in_transaction() const {
  return sqlite3_get_autocommit(database_) == 0;
}
std::int64_t Connection::changes() const {
  return sqlite3_changes64(database_);
}
std::int64_t Connection::last_rowid() const {
  return sqlite3_last_insert_rowid(database_);
}
std::string Connection::last_error() const {
  return sqlite3_errmsg(database_);
}
void Connection::interrupt() {
  sqlite3_interrupt(database_);
}

void Connection::give_back(sqlite3_stmt* statement) {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  if (idle_.size() >= idle_limit) {
    // Nothing says which one is cold; a random one goes.
    sqlite3_finalize(idle_.begin()->second);
    idle_.erase(idle_.begin());
  }
  idle_.emplace(sqlite3_sql(statement), statement);
}

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_), statement_(std::exchange(other.statement_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  if (this != &other) {
    if (statement_ != nullptr) connection_->give_back(statement_);
    connection_ = other.connection_;
    statement_ = std::exchange(other.statement_, nullptr);
  }
  return *this;
}

Statement::~Statement() {
  if (statement_ != nullptr) connection_->give_back(statement_);
}

Statement& Statement::bind(int index, std::int64_t number) {
  TAILRACE_ASSERT(sqlite3_bind_int64(statement_, index, number) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind(int index, double real) {
  TAILRACE_ASSERT(sqlite3_bind_double(statement_, index, real) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  TAILRACE_ASSERT(sqlite3_bind_text64(statement_, index, text.empty() ? "" : text.data(), text.size(),
                                      SQLITE_TRANSIENT, SQLITE_UTF8) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind_blob(int index, std::string_view bytes) {
  TAILRACE_ASSERT(sqlite3_bind_blob64(statement_, index, bytes.empty() ? "" : bytes.data(), bytes.size(),
                                      SQLITE_TRANSIENT) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind_null(int index) {
  TAILRACE_ASSERT(sqlite3_bind_null(statement_, index) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind(int index, const TypeInfo& type, const Cell& cell) {
  if (cell.null) return bind_null(index);
  switch (type.type) {
    case Type::decimal:
      if (is_wide_decimal(type)) return bind_blob(index, encode_wide_decimal(cell.decimal));
      [[fallthrough]];
    case Type::smallmoney:
    case Type::money: return bind(index, static_cast<std::int64_t>(cell.decimal));
    case Type::real:
    case Type::float_: return bind(index, cell.real);
    case Type::datetimeoffset:
      return bind_blob(index, encode_datetimeoffset(cell.number, cell.offset_minutes));
    case Type::char_:
    case Type::varchar:
    case Type::nchar:
    case Type::nvarchar: return bind(index, cell.text);
    case Type::binary:
    case Type::varbinary: return bind_blob(index, cell.text);
    case Type::uniqueidentifier: return bind_blob(index, encode_guid(cell.text));
    default: return bind(index, cell.number);
  }
}

Statement& Statement::bind(int index, const Value& value) {
  return bind(index, value.type, cell_of(value));
}

Step Statement::step() {
  switch (const int code = sqlite3_step(statement_)) {
    case SQLITE_ROW: return Step::row;
    case SQLITE_DONE: return Step::done;
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: return Step::unique;
    case SQLITE_CONSTRAINT_NOTNULL: return Step::not_null;
    case SQLITE_BUSY_SNAPSHOT: return Step::busy_snapshot;
    case SQLITE_INTERRUPT: return Step::interrupted;
    case SQLITE_ERROR: return Step::failed;
    default:
      if ((code & 0xFF) == SQLITE_BUSY || (code & 0xFF) == SQLITE_LOCKED) return Step::busy;
      fail(sqlite3_db_handle(statement_), sqlite3_sql(statement_));
  }
}

bool Statement::next() {
  const Step step = this->step();
  if (step == Step::row) return true;
  if (step != Step::done) fail(sqlite3_db_handle(statement_), sqlite3_sql(statement_));
  return false;
}

void Statement::run() {
  while (next()) {
  }
  reset();
}

void Statement::reset() {
  sqlite3_reset(statement_);
}

int Statement::column_count() const {
  return sqlite3_column_count(statement_);
}
bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}
std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_, column);
}
double Statement::real(int column) const {
  return sqlite3_column_double(statement_, column);
}

std::string_view Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return {bytes == nullptr ? "" : bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::string_view Statement::blob(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return {bytes == nullptr ? "" : bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

RowReader::RowReader(std::vector<TypeInfo> types) : types_(std::move(types)), scratch_(types_.size()) {}

void RowReader::read(const Statement& statement, Cell* cells) {
  for (std::size_t i = 0; i < types_.size(); ++i) {
    decode(sqlite3_column_value(statement.handle(), static_cast<int>(i)), types_[i], scratch_[i], cells[i]);
  }
}

void RowReader::read(const Statement& statement, std::vector<Cell>& cells) {
  cells.resize(types_.size());
  read(statement, cells.data());
}

}  // namespace tailrace::sim
