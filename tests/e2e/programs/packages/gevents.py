"""gevent: a server and its clients in one thread, sockets patched; each request keeps a block.

    gevents.py CLIENTS OUT.json
"""

from gevent import monkey

monkey.patch_all()

import socket  # noqa: E402
import sys  # noqa: E402

import gevent  # noqa: E402
import gevent.pool  # noqa: E402
import gevent.server  # noqa: E402
import witness  # noqa: E402

REQUESTS = 10
FILL = b"."
KEPT = []


def remember(number):
    KEPT.append(block := FILL * (700 + number)), witness.note(id(block), sys.getsizeof(block))  # remembered
    return len(block)


def serve(connection, _):
    with connection, connection.makefile("rw") as lines:
        for line in lines:
            gevent.sleep(0)
            lines.write(f"{remember(int(line))}\n")
            lines.flush()


def visit(port, number):
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rw") as lines:
        total = 0
        for request in range(REQUESTS):
            lines.write(f"{number + request}\n")
            lines.flush()
            total += int(lines.readline())
        return total


def main(clients):
    server = gevent.server.StreamServer(("127.0.0.1", 0), serve)
    server.start()
    pool = gevent.pool.Pool(20)
    visits = [pool.spawn(visit, server.server_port, number) for number in range(clients)]
    gevent.joinall(visits, raise_error=True)
    server.stop()
    print(sum(one.value for one in visits), len(KEPT))
    print(*pool.imap(lambda n: sum(range(n)), range(5)))
    print(gevent.get_hub().threadpool.apply(sum, (range(10),)))


main(int(sys.argv[1]))
witness.write(sys.argv[2])
