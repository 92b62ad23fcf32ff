// The driver that speaks the protocol itself (src/tds).
//
// Shape    driver.h. A stop wakes the reading thread, which tells the server and ends the connection.
// Errors   What the server says, with the SQLSTATE that a driver of ODBC gives such a number.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sqlserver/driver.h"
#include "tds/session.h"

namespace tailrace::sqlserver {

class TdsDriver : public Driver {
 public:
  explicit TdsDriver(const Settings& wanted);

  std::unique_ptr<DriverStatement> execute(std::string doing, std::string_view sql,
                                           const std::vector<Parameter>& parameters) override;
  void cancel() override { session_->interrupt(); }

 private:
  friend class TdsStatement;
  std::unique_ptr<tds::Session> session_;
};

class TdsStatement : public DriverStatement {
 public:
  TdsStatement(TdsDriver& driver, std::string doing, std::string_view sql,
               const std::vector<Parameter>& parameters);
  TdsStatement(const TdsStatement&) = delete;
  TdsStatement& operator=(const TdsStatement&) = delete;
  ~TdsStatement() override;

  bool fetch() override;
  bool next_result() override;
  void finish() override;
  std::optional<std::int64_t> integer(int column) override;
  std::optional<std::int64_t> timestamp(int column) override;
  bool append_bytes(int column, std::string& out, std::size_t limit, bool& longer) override;
  std::unique_ptr<RowReader> rows(const RowPlan& plan) override;

  tds::Response& response() { return session_.response(); }
  const std::string& doing() const { return doing_; }
  // Runs what reads from the server; what that throws leaves as it should.
  template <class Work>
  decltype(auto) reading(const Work& work) {
    try {
      return work();
    } catch (const Error& error) {
      leave(error);
    }
  }

 private:
  enum class Place : std::uint8_t { in_result, before_result, at_end };

  [[noreturn]] void leave(const Error& error);
  tds::Response::Event step();
  void check();
  void go_to_result();
  std::optional<std::span<const std::byte>> value(int column, std::size_t limit);

  TdsDriver& driver_;
  tds::Session& session_;
  std::string doing_;
  Place place_ = Place::at_end;
  std::string scratch_;
};

}  // namespace tailrace::sqlserver
