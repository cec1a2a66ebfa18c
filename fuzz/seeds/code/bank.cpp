// Accounts.
namespace bank {
template <class T> class Account { public: void pay(T amount) { balance += amount; } private: T balance; };
struct Row { int a; };
static int total(const Row *rows) { return rows->a; }
}
#define MOST 10
typedef enum { A, B } Kind;
