#!/usr/bin/env bash
# The clients of databases and queues, for record.sh, which has `record` and `handmade`.

record_postgresql() {
    local database=host=server.example\ user=user\ dbname=data
    record postgresql psql-disable postgresql-client-15 5432 psql "$database sslmode=disable"
    record postgresql psycopg2-disable python3-psycopg2 5432 \
        python3 -c "import psycopg2; psycopg2.connect('$database sslmode=disable')"
    record postgresql pg_isready postgresql-client-15 5432 \
        pg_isready -d "$database sslmode=disable replication=true"
    record postgresql asyncpg python3-asyncpg 5432 python3 -c \
        "import asyncio, asyncpg; asyncio.run(asyncpg.connect('postgresql://user@server.example/data?sslmode=disable'))"
    record postgresql psycopg3-disable python3-psycopg 5432 \
        python3 -c "import psycopg; psycopg.connect('$database sslmode=disable application_name=app')"
    record postgresql psql-options postgresql-client-15 5432 \
        env PGOPTIONS='-c search_path=sales' psql "$database sslmode=disable application_name=report"
    echo 'class Sql { public static void main(String[] a) throws Exception { java.sql.DriverManager.getConnection(a[0]); } }' \
        >"$SCRATCH/Sql.java"
    record postgresql jdbc libpostgresql-jdbc-java 5432 java -cp /usr/share/java/postgresql.jar Sql.java \
        'jdbc:postgresql://server.example/data?user=user&sslmode=disable'
    record postgresql node-pg npm:pg 5432 \
        node -e "new (require('pg').Client)('postgresql://user@server.example/data').connect()"
    record tls-1.3 node-pg-direct npm:pg 5432 node -e \
        "new (require('pg').Client)({host: 'server.example', user: 'user', database: 'data', ssl: true, sslnegotiation: 'direct'}).connect()"
    handmade postgresql handmade-cancel \
        'PostgreSQL 15, section 55.7 (Message Formats): CancelRequest' \
        00 00 00 10 04 d2 16 2e "$(counting 8)"
    handmade postgresql handmade-gssenc \
        'PostgreSQL 15, section 55.7 (Message Formats): GSSENCRequest' 00 00 00 08 04 d2 16 30
    record postgresql-sslrequest psql-prefer postgresql-client-15 5432 psql "$database"
    record postgresql-sslrequest psql-require postgresql-client-15 5432 psql "$database sslmode=require"
    record postgresql-sslrequest asyncpg python3-asyncpg 5432 python3 -c \
        "import asyncio, asyncpg; asyncio.run(asyncpg.connect('postgresql://user@server.example/data'))"
    record postgresql-sslrequest openssl openssl 5432 \
        openssl s_client -starttls postgres -connect server.example:5432
}

record_redis() {
    record redis redis-cli redis-tools 6379 redis-cli -h server.example PING
    record redis redis-cli-auth redis-tools 6379 \
        redis-cli -h server.example --no-auth-warning -a word GET key
    record redis redis-cli-resp3 redis-tools 6379 redis-cli -3 -h server.example PING
    record redis redis-benchmark redis-tools 6379 redis-benchmark -h server.example -c 1 -n 1 -t set
    record redis redis-benchmark-inline redis-tools 6379 \
        redis-benchmark -h server.example -c 1 -n 1 -t ping_inline
    record redis redis-cli-user redis-tools 6379 \
        redis-cli -h server.example --no-auth-warning --user user -a word PING
    record redis node-redis npm:redis 6379 \
        node -e "require('redis').createClient({url: 'redis://user:word@server.example'}).connect()"
    record redis python-redis-user python3-redis 6379 \
        python3 -c "import redis; redis.Redis('server.example',username='user',password='word').ping()"
    record redis python-redis python3-redis 6379 \
        python3 -c "import redis; redis.Redis('server.example').ping()"
}

record_mongodb() {
    record mongodb pymongo python3-pymongo 27017 python3 -c \
        "import pymongo; pymongo.MongoClient('server.example').admin.command('ping')"
    record mongodb pymongo-zlib python3-pymongo 27017 python3 -c \
        "import pymongo; pymongo.MongoClient('mongodb://server.example/?compressors=zlib&appname=app').admin.command('ping')"
    record mongodb pymongo-user python3-pymongo 27017 python3 -c \
        "import pymongo; pymongo.MongoClient('mongodb://user:word@server.example/data').admin.command('ping')"
    local client
    for client in 'mongodb mongodb://user:word@server.example/?appName=app' \
        'mongodb-op-msg mongodb://server.example/?loadBalanced=true&appName=app'; do
        record mongodb "node-${client%% *}" npm:mongodb 27017 \
            node -e "new (require('mongodb').MongoClient)('${client#* }').connect()"
    done
    cat >mongoc.py <<'END'
import ctypes, sys
mongoc = ctypes.CDLL("libmongoc-1.0.so.0")
bson = ctypes.CDLL("libbson-1.0.so.0")
for function in (mongoc.mongoc_client_new, bson.bson_new): function.restype = ctypes.c_void_p
mongoc.mongoc_init()
client = ctypes.c_void_p(mongoc.mongoc_client_new(sys.argv[1].encode()))
command = ctypes.c_void_p(bson.bson_new())
bson.bson_append_int32(command, b"ping", -1, 1)
mongoc.mongoc_client_command_simple(client, b"admin", command, None, None, None)
END
    record mongodb libmongoc libmongoc-1.0-0 27017 python3 mongoc.py \
        mongodb://server.example/
    record mongodb libmongoc-op-msg libmongoc-1.0-0 27017 python3 mongoc.py \
        'mongodb://server.example/?loadBalanced=true'
}

record_mqtt() {
    local version
    for version in mqttv31 mqttv311 mqttv5; do
        record mqtt mosquitto_pub-$version mosquitto-clients 1883 \
            mosquitto_pub -V $version -h server.example -t topic -m text
    done
    record mqtt mosquitto_sub mosquitto-clients 1883 mosquitto_sub -h server.example -t topic
    record mqtt mosquitto_pub-will mosquitto-clients 1883 \
        mosquitto_pub -h server.example -t topic -m text -i client --will-topic gone \
        --will-payload "$(printf 'text %.0s' {1..100})"
    record mqtt curl curl 1883 curl -s mqtt://server.example/topic
    printf '%s\n' 'user root' 'listener 1884 127.0.0.1' 'allow_anonymous true' 'connection bridge' \
        'address server.example:1883' 'topic # out' >"$SCRATCH/bridge.conf"
    record mqtt mosquitto-bridge mosquitto 1883 mosquitto -c bridge.conf
    record mqtt mosquitto_pub-user mosquitto-clients 1883 \
        mosquitto_pub -h server.example -t topic -m text -i client -u user -P word
    record mqtt mosquitto_pub-user-will mosquitto-clients 1883 mosquitto_pub -V mqttv5 -h server.example \
        -t topic -m text -i client -u user -P word --will-topic gone --will-payload text
    record mqtt paho python3-paho-mqtt 1883 python3 -c \
        "import paho.mqtt.client as m; c=m.Client(); c.connect('server.example'); c.loop_forever()"
}

record_amqp() {
    record amqp amqp-publish amqp-tools 5672 \
        amqp-publish -s server.example -r queue -b text
    record amqp pika python3-pika 5672 python3 -c \
        "import pika; pika.BlockingConnection(pika.ConnectionParameters('server.example'))"
    record amqp qpid-proton python3-qpid-proton 5672 python3 -c \
        "from proton.utils import BlockingConnection; BlockingConnection('amqp://server.example')"
    record amqp qpid-proton-sasl python3-qpid-proton 5672 python3 -c \
        "from proton.utils import BlockingConnection; BlockingConnection('amqp://user:word@server.example')"
}

record_memcached() {
    local server="('server.example',11211)"
    record memcached pymemcache python3-pymemcache 11211 \
        python3 -c "from pymemcache.client.base import Client; Client($server).get('key')"
    record memcached python-memcache python3-memcache 11211 \
        python3 -c "import memcache; memcache.Client(['server.example:11211']).set('key','text')"
    record memcached pylibmc-binary python3-pylibmc 11211 \
        python3 -c "import pylibmc; pylibmc.Client(['server.example'],binary=True).get('key')"
    record memcached pylibmc-password python3-pylibmc 11211 python3 -c \
        "import pylibmc; pylibmc.Client(['server.example'],binary=True,username='user',password='word').get('key')"
    record memcached memccat libmemcached-tools 11211 memccat --servers=server.example key
    record memcached memcstat libmemcached-tools 11211 memcstat --servers=server.example
    handmade memcached handmade-meta 'memcached, doc/protocol.txt, "Meta Get"' "$(text 'mg key v\r\n')"
}

record_mssql() {
    local version
    for version in 7.0 7.1 7.4; do
        record mssql tsql-$version freetds-bin 1433 \
            env TDSVER=$version tsql -H server.example -p 1433 -U user -P word
    done
    record mssql pymssql python3-pymssql 1433 \
        python3 -c "import pymssql; pymssql.connect('server.example','user','word')"
    record mssql impacket python3-impacket 1433 python3 -c \
        "from impacket.tds import MSSQL as M; m=M('server.example'); m.connect(); m.login(None,'user','word')"
}

record_oracle() {
    record oracle oracledb python3-oracledb 1521 python3 -c \
        "import oracledb; oracledb.connect(user='user',password='word',dsn='server.example/service')"
    record oracle node-oracledb npm:oracledb 1521 node -e \
        "require('oracledb').getConnection({user: 'user', password: 'word', connectString: 'server.example/service'})"
    record oracle node-oracledb-long npm:oracledb 1521 node -e \
        "require('oracledb').getConnection({user: 'user', password: 'word', connectString: 'server.example/' + 'service'.repeat(18)})"
    record oracle node-oracledb-sid npm:oracledb 1521 node -e \
        "require('oracledb').getConnection({user: 'user', password: 'word', connectString: '(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=server.example)(PORT=1521))(CONNECT_DATA=(SID=data)))'})"
}

record_firebird() {
    record firebird isql firebird3.0-utils 3050 isql-fb -u user -p word server.example:/srv/data.fdb
}

record_clickhouse() {
    record clickhouse client clickhouse-client 9000 clickhouse-client --host server.example --query 'SELECT 1'
    record clickhouse python-driver python3-clickhouse-driver 9000 python3 -c \
        "import clickhouse_driver as c; c.Client('server.example',user='user',database='data').execute('SELECT 1')"
    handmade clickhouse handmade-hello 'ClickHouse documentation, "Native protocol": Hello' \
        00 11 "$(text 'ClickHouse client')" 17 04 ae a9 03 00 07 "$(text default)" 00
}

record_neo4j() {
    handmade neo4j handmade-bolt-5 'Bolt Protocol handshake specification: versions 5.4 and below' \
        60 60 b0 17 00 04 04 05 00 02 04 04 00 00 01 04 00 00 00 03
    handmade neo4j handmade-manifest 'Bolt Protocol handshake specification: manifest' \
        60 60 b0 17 00 00 01 ff 00 08 08 05 00 02 04 04 00 00 00 03
}

record_kafka() {
    record kafka kcat kcat 9092 kcat -b server.example -L
    record kafka kcat-sasl kcat 9092 kcat -b server.example -L -X security.protocol=SASL_PLAINTEXT \
        -X sasl.mechanism=PLAIN -X sasl.username=user -X sasl.password=word
    record kafka kafka-python python3-kafka 9092 python3 -c \
        "import kafka; kafka.KafkaProducer(bootstrap_servers='server.example')"
}

record_zookeeper() {
    record zookeeper cli zookeeper-bin 2181 /usr/lib/zookeeper/bin/cli_mt server.example:2181
    record zookeeper kazoo python3-kazoo 2181 python3 -c \
        "import kazoo.client as k; k.KazooClient(hosts='server.example:2181').start()"
    record zookeeper ruok netcat-openbsd 2181 sh -c 'echo ruok | nc server.example 2181'
}

record_cassandra() {
    record cassandra python-driver python3-cassandra 9042 python3 -c \
        "from cassandra.cluster import Cluster; Cluster(['192.0.2.1']).connect()"
    record cassandra python-driver-3 python3-cassandra 9042 python3 -c \
        "from cassandra.cluster import Cluster; Cluster(['192.0.2.1'],protocol_version=3).connect()"
    handmade cassandra handmade-startup 'native_protocol_v4.spec, section 4.1.1: STARTUP' \
        04 00 00 01 01 00 00 00 16 00 01 00 0b "$(text CQL_VERSION)" 00 05 "$(text 3.4.4)"
}

record_stomp() {
    record stomp stomp-py-host python3-stomp 61613 python3 -c \
        "import stomp; c=stomp.Connection([('server.example',61613)],vhost='queues.example'); c.connect('user','word')"
    record stomp stomp-py python3-stomp 61613 python3 -c \
        "import stomp; c=stomp.Connection([('server.example',61613)]); c.connect('user','word')"
    handmade stomp handmade-stomp 'STOMP 1.2, section "Connecting": the STOMP frame, with CR' \
        "$(text 'STOMP\r\naccept-version:1.2\r\nhost:server.example\r\n\r\n')" 00
}

record_zeromq() {
    local kind
    for kind in REQ SUB DEALER; do
        record zeromq pyzmq-${kind,,} python3-zmq 5555 python3 -c \
            "import zmq; s=zmq.Context().socket(zmq.$kind); s.connect('tcp://server.example:5555'); s.poll()"
    done
    record zeromq pyzmq-identity python3-zmq 5555 python3 -c \
        "import zmq; s=zmq.Context().socket(zmq.DEALER); s.identity=b'i'*255; s.connect('tcp://server.example:5555'); s.poll()"
    record zeromq pyzmq-plain python3-zmq 5555 python3 -c \
        "import zmq; s=zmq.Context().socket(zmq.REQ); s.plain_username=b'user'; s.plain_password=b'word'; s.connect('tcp://server.example:5555'); s.poll()"
    handmade zeromq handmade-greeting '23/ZMTP, "Formal Grammar": a whole greeting at once, mechanism NULL' \
        ff 00 00 00 00 00 00 00 00 7f 03 00 "$(text NULL)" "$(repeated 48 00)"
}
