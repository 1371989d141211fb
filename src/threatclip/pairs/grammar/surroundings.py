"""Rules for what surrounds an attack: paths of many kinds of application, parameter names, headers, first requests."""

STYLES = (
    "wordpress",
    "php",
    "joomla",
    "java",
    "struts",
    "aspnet",
    "rest",
    "router",
    "node",
    "graphql",
    "cgi",
    "python",
)

TEXT = r"""
slug := «$slug»
path_wordpress := *4 /wp-admin/admin-ajax.php ¦ *2 /wp-admin/admin-post.php
  ¦ *3 /wp-content/plugins/«$slug»/«=~includes/~admin/~lib/~inc/~ajax/»«file_word».php ¦ /wp-admin/admin.php
  ¦ /wp-json/«$slug»/v1/«word» ¦ /index.php ¦ / ¦ /wp-login.php ¦ /«word»/ ¦ /wp-content/themes/«$slug»/«file_word».php
  ¦ /wp-admin/options-general.php ¦ /?rest_route=/«$slug»/v1/«word» ¦ /wp-content/plugins/«$slug»/«$slug».php
  ¦ /xmlrpc.php ¦ /wp-comments-post.php
path_php := *3 /«file_word».php ¦ *2 /«$slug»/«file_word».php ¦ /«word»/«file_word».php ¦ /index.php
  ¦ /admin/«file_word».php ¦ /«$slug»/admin/«file_word».php ¦ /«$slug»/index.php ¦ /modules/«$slug»/«file_word».php
  ¦ /includes/«file_word».inc.php ¦ /classes/«coined|cap».php ¦ /ajax/«file_word».php
  ¦ @2022 /«$slug»/classes/Master.php ¦ /api/«file_word».php ¦ /plugins/«$slug»/«file_word».php
  ¦ /«word»/«word»/«file_word».php ¦ /php/«file_word».php ¦ /«$slug»/ajax.php ¦ /lib/«$slug»/«file_word».php
  ¦ /index.php/«word»/«word» ¦ /public/index.php
path_joomla := *3 /index.php ¦ /administrator/index.php ¦ /components/com_«$slug»/«file_word».php
  ¦ /index.php/component/«$slug»/ ¦ /modules/mod_«$slug»/«file_word».php ¦ /index.php/«$slug»/«word» ¦ /?q=«word»/«word»
  ¦ /node/«int» ¦ /sites/all/modules/«$slug»/«file_word».php ¦ /catalog/«word»/«word» ¦ /index.php?option=com_«$slug»
path_java := *2 /«$slug»/«file_word».jsp ¦ *2 /«$slug»/«word»/«file_word».do ¦ /«$slug»/servlet/«coined|cap»Servlet
  ¦ /servlet/«coined|cap» ¦ /«file_word».jsp ¦ /«$slug»/rest/«word» ¦ /«$slug»/faces/«file_word».xhtml
  ¦ /«$slug»/services/«coined|cap»Service ¦ /«$slug»/«word»/«file_word».jsf ¦ /«$slug»/s/«word»
  ¦ /«$slug»/admin/«file_word».jsp ¦ /console/«word»/«file_word» ¦ /«$slug»/«word».do ¦ /«$slug»/ws/«word»
  ¦ /«$slug»/«coined|cap»Controller ¦ /web/guest/«word»
path_struts := *3 /«$slug»/«word».action ¦ /«file_word».action ¦ /«word»/«word».action ¦ /struts2-«word»/«word».action
  ¦ /«$slug»/«word»!«word».action ¦ /«$slug»/users/«word».action ¦ /orders.xhtml ¦ /«word».do
path_aspnet := *3 /«file_word|cap».aspx ¦ *2 /«$slug»/«file_word|cap».aspx ¦ /«word|cap»/«file_word|cap»
  ¦ /«file_word|cap».ashx ¦ /«word|cap».asmx/Get«word|cap» ¦ /api/«word|cap» ¦ /«file_word».asp
  ¦ /_layouts/15/«word|cap».aspx ¦ /«$slug»/«word» ¦ /«coined|cap».Web.axd ¦ /«$slug»/«word|cap»/«word|cap».svc
  ¦ /admin/«file_word».aspx ¦ /DesktopModules/«coined|cap»/«file_word|cap».aspx
path_rest := *3 /api/v«small»/«word»s ¦ *2 /api/v«small»/«word»/«int» ¦ /api/«word»/«word» ¦ /rest/v«small»/«word»
  ¦ /v«small»/«word»s ¦ /api/«$slug»/«word» ¦ /«$slug»/api/v«small»/«word» ¦ /rest/api/latest/«word»
  ¦ /api/v«small»/«word»/search ¦ /services/«word»/«word» ¦ /api/internal/«word» ¦ /«word»/api/«word»
  ¦ /rpc/«word».«word» ¦ /api/v«small»/«word»s/«uuid»/«word» ¦ /_api/«word»/«word» ¦ /odata/«word|cap»s
path_router := *3 /cgi-bin/«file_word».cgi ¦ *2 /goform/«coined|cap» ¦ /boaform/admin/form«coined|cap»
  ¦ /cgi-bin/luci/;stok=«hex32»/«word» ¦ /apply.cgi ¦ /setup.cgi ¦ /diagnostic.php ¦ /HNAP1/ ¦ /ping.cgi
  ¦ /cgi-bin/«word» ¦ /tools_«word».asp ¦ /«file_word».htm ¦ /cgi-bin/webproc ¦ /form2«word».cgi ¦ /GponForm/«word»_Form
  ¦ /api/xf/«word»/config ¦ /webadmin/«file_word».php ¦ /adm/«file_word».asp ¦ /upnp/control/«word»
  ¦ /ISAPI/«word|cap»/«word»
path_node := *3 /api/«word» ¦ /«word» ¦ /«word»/«word» ¦ /api/auth/«word» ¦ /socket.io/ ¦ /admin/api/«word»
  ¦ /_next/data/«rand»/«word».json ¦ /render ¦ /api/«word»/«rand» ¦ /users/«word» ¦ /api/«word»/preview ¦ /convert
  ¦ /graphql ¦ /«word»/«int»/edit ¦ /trpc/«word».«word»
path_graphql := *4 /graphql ¦ /api/graphql ¦ /v1/graphql ¦ /gql ¦ /«$slug»/graphql ¦ /query ¦ /graphql/v«small»
  ¦ /admin/api/graphql.json
path_cgi := *3 /cgi-bin/«file_word».cgi ¦ *2 /cgi-bin/«file_word».pl ¦ /cgi-bin/«file_word» ¦ /cgi-bin/«file_word».sh
  ¦ /«file_word».cgi ¦ /cgi-bin/«$slug»/«file_word».pl ¦ /cgi-mod/«file_word».cgi ¦ /scripts/«file_word».exe
  ¦ /nagios/cgi-bin/«file_word».cgi ¦ /«$slug»/«file_word».pl
path_python := *2 /«word»/ ¦ /admin/«word»/«word»/ ¦ /api/«word»/ ¦ /«word»/«int»/ ¦ /api/v«small»/«word»/
  ¦ /accounts/«word»/ ¦ /«$slug»/«word»/«word» ¦ /predict ¦ /upload
path_upload := *2 /upload.php ¦ /«$slug»/upload.php ¦ /upload ¦ /api/upload ¦ /«$slug»/upload ¦ /admin/upload.php
  ¦ /wp-admin/admin-ajax.php ¦ /wp-content/plugins/«$slug»/upload.php
  ¦ /wp-content/plugins/«$slug»/«=lib~js~inc»/uploadify/uploadify.php ¦ /index.php?option=com_«$slug»&task=upload
  ¦ /fileupload/«word» ¦ /«$slug»/servlet/FileUpload ¦ /uploader.php ¦ /«word»/uploadFile.do ¦ /api/v«small»/files
  ¦ /filemanager/upload.php ¦ /ckeditor/filemanager/connectors/php/upload.php ¦ /UploadHandler.ashx
  ¦ /«$slug»/ImageUpload.aspx ¦ /jquery-file-upload/server/php/ ¦ /profile/avatar ¦ /«$slug»/import ¦ /plugin/install
  ¦ /rest/plugins/1.0/ ¦ /«word»/add.php ¦ /cgi-bin/upload.cgi ¦ /media/upload ¦ /files/«word» ¦ /admin/«word»/edit.php
  ¦ /index.php?action=«word»
file_word := *4 «word» ¦ «word»_«word» ¦ «coined» ¦ index ¦ main ¦ edit_«word» ¦ get_«word» ¦ view_«word» ¦ ajax_«word»
  ¦ «word»-«word» ¦ manage_«word» ¦ save«word|cap» ¦ get«word|cap» ¦ show ¦ process ¦ do«word|cap» ¦ «word»list
  ¦ add_«word» ¦ update_«word» ¦ download ¦ preview ¦ test«small»
param_any := «name»
param_xss := q ¦ s ¦ search ¦ query ¦ keyword ¦ name ¦ title ¦ message ¦ msg ¦ error ¦ callback ¦ lang ¦ tab ¦ page ¦ id
  ¦ url ¦ comment ¦ subject ¦ text ¦ term ¦ username ¦ email ¦ redirect ¦ view ¦ orderby ¦ action ¦ ref ¦ category
  ¦ color ¦ theme ¦ date ¦ filter ¦ value ¦ content ¦ description ¦ bio ¦ address ¦ label ¦ field ¦ widget ¦ *6 «name»
param_sql := *2 id ¦ cat ¦ cid ¦ pid ¦ uid ¦ user ¦ username ¦ search ¦ order ¦ sort ¦ orderby ¦ product_id ¦ category
  ¦ item ¦ filter ¦ page_id ¦ post ¦ ids ¦ year ¦ month ¦ date_from ¦ email ¦ keyword ¦ limit ¦ list ¦ group ¦ type
  ¦ code ¦ invoice ¦ booking ¦ key ¦ status ¦ edit ¦ del ¦ editid ¦ searchdata ¦ columns ¦ userid ¦ viewid ¦ *5 «name»
param_file := *2 file ¦ *2 path ¦ page ¦ filename ¦ f ¦ dir ¦ folder ¦ doc ¦ template ¦ include ¦ inc ¦ lang ¦ locale
  ¦ module ¦ view ¦ download ¦ img ¦ image ¦ name ¦ src ¦ log ¦ controller ¦ style ¦ theme ¦ layout ¦ document ¦ root
  ¦ load ¦ read ¦ fileName ¦ filePath ¦ cfg ¦ p ¦ report ¦ attachment ¦ url ¦ skin ¦ tpl ¦ pg ¦ *4 «name»
param_cmd := ip ¦ host ¦ cmd ¦ command ¦ ping ¦ addr ¦ target ¦ domain ¦ hostname ¦ exec ¦ server ¦ port ¦ username
  ¦ password ¦ file ¦ filename ¦ interface ¦ ntp_server ¦ ssid ¦ mac ¦ name ¦ time ¦ url ¦ dir ¦ log ¦ action ¦ system
  ¦ query ¦ jpeg ¦ daemon ¦ upload ¦ download ¦ process ¦ step ¦ ip_addr ¦ pingaddr ¦ traceroute ¦ dns ¦ iface
  ¦ timezone ¦ key ¦ user ¦ *5 «name»
param_code := code ¦ eval ¦ template ¦ name ¦ expression ¦ script ¦ func ¦ function ¦ page ¦ content ¦ message ¦ subject
  ¦ id ¦ q ¦ query ¦ search ¦ callback ¦ data ¦ input ¦ cmd ¦ action ¦ filter ¦ body ¦ username ¦ title ¦ formula ¦ rule
  ¦ config ¦ redirect ¦ method ¦ lang ¦ preview ¦ x ¦ value ¦ user ¦ s ¦ routestring ¦ *6 «name»
param_object := data ¦ object ¦ session ¦ state ¦ token ¦ payload ¦ cookie ¦ user ¦ cart ¦ settings ¦ options ¦ cache
  ¦ value ¦ args ¦ params ¦ viewstate ¦ remember ¦ profile ¦ import ¦ filter ¦ json ¦ serialized ¦ items ¦ form
  ¦ *4 «name»
param_url := *3 url ¦ uri ¦ link ¦ src ¦ source ¦ dest ¦ target ¦ host ¦ feed ¦ callback ¦ webhook ¦ image ¦ img ¦ page
  ¦ site ¦ domain ¦ remote ¦ endpoint ¦ server ¦ proxy ¦ redirect ¦ imageUrl ¦ file ¦ path ¦ wsdl ¦ rss ¦ data_url
  ¦ avatar_url ¦ import_url ¦ download_url ¦ u ¦ *3 «name»
param_next := *2 next ¦ *2 url ¦ *2 redirect ¦ return ¦ redirect_to ¦ returnUrl ¦ redirect_uri ¦ dest ¦ goto ¦ continue
  ¦ target ¦ out ¦ link ¦ to ¦ ReturnUrl ¦ return_to ¦ rurl ¦ back ¦ callback ¦ u ¦ r ¦ forward ¦ RelayState ¦ service
  ¦ «name»
param_xml := xml ¦ data ¦ request ¦ body ¦ content ¦ config ¦ SAMLRequest ¦ source ¦ feed ¦ doc ¦ svg ¦ import ¦ text
  ¦ «name»
extra_value := *3 «int» ¦ *3 «word» ¦ «rand» ¦ «hex32» ¦ 1
  ¦ «=true~false~on~all~asc~desc~Submit~Search~Save~update~edit~view» ¦ «hex8» ¦ «year»-0«small»-1«d» ¦ «uuid» ¦ «small»
  ¦ 0 ¦ en ¦ «coined»@«coined».test ¦ «big»
agent := *4 Mozilla/5.0 («os») AppleWebKit/537.36 (KHTML, like Gecko) Chrome/«$chrome».0.«int».«dd» Safari/537.36
  ¦ *3 Mozilla/5.0 («os»; rv:«$firefox».0) Gecko/20100101 Firefox/«$firefox».0
  ¦ @-2016 Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)
  ¦ @-2015 Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1)
  ¦ Mozilla/5.0 (Macintosh; Intel Mac OS X 10_1«small»_«d») AppleWebKit/605.1.15 (KHTML, like Gecko) Version/1«small».0 Safari/605.1.15
  ¦ *2 Mozilla/5.0 ¦ curl/7.«dd».«d» ¦ python-requests/2.«dd».0 ¦ Wget/1.«dd» ¦ Go-http-client/1.1
  ¦ Mozilla/5.0 (compatible; «coined|cap»bot/1.0)
  ¦ Mozilla/5.0 (iPhone; CPU iPhone OS 1«small»_«d» like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148
  ¦ Java/1.8.0_«dd» ¦ @-2018 Opera/9.80 (Windows NT 6.1) Presto/2.12.388 Version/12.«dd»
  ¦ @2021 Mozilla/5.0 («os») AppleWebKit/537.36 (KHTML, like Gecko) Chrome/«$chrome».0.0.0 Safari/537.36 Edg/«$chrome».0.«int».«dd»
  ¦ Apache-HttpClient/4.5.«small» (Java/1.8.0_«dd») ¦ okhttp/4.«small».0 ¦ PostmanRuntime/7.«dd».0
os := *3 Windows NT 10.0; Win64; x64 ¦ @-2017 Windows NT 6.1; WOW64 ¦ X11; Linux x86_64
  ¦ Macintosh; Intel Mac OS X 10_15_7 ¦ X11; Ubuntu; Linux x86_64 ¦ Windows NT 6.1; Win64; x64
  ¦ Linux; Android «small».0; «coined|cap» ¦ @-2015 Windows NT 5.1 ¦ Windows NT 6.3; Win64; x64
header_line := *3 Accept: */* ¦ *2 Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8
  ¦ Accept: application/json, text/plain, */* ¦ *2 Accept-Language: en-US,en;q=0.«small»
  ¦ Accept-Language: «=de,en;q=0.7~zh-CN,zh;q=0.9~fr-FR,fr;q=0.8~es;q=0.9~ru-RU,ru;q=0.8»
  ¦ *3 Accept-Encoding: gzip, deflate ¦ @2018 Accept-Encoding: gzip, deflate, br ¦ *4 Connection: close
  ¦ *2 Connection: keep-alive ¦ Cache-Control: «=no-cache~max-age=0» ¦ Pragma: no-cache
  ¦ *2 Upgrade-Insecure-Requests: 1 ¦ DNT: 1 ¦ *2 Referer: http://«$host»/«word» ¦ *2 Referer: https://«$host»/
  ¦ *2 Origin: http://«$host» ¦ *2 X-Requested-With: XMLHttpRequest ¦ *2 Cookie: PHPSESSID=«rand20»
  ¦ Cookie: JSESSIONID=«hex32|upper» ¦ Cookie: ASP.NET_SessionId=«rand20»; «word»=«rand»
  ¦ Cookie: «word»=«hex32»; «word»=«int» ¦ Cookie: wordpress_logged_in_«hex32»=«coined»%7C1«big»
  ¦ Authorization: Basic «rand|b64» ¦ Authorization: Bearer «rand20».«rand20» ¦ X-CSRF-Token: «b40»
  ¦ X-Forwarded-For: «ip» ¦ If-None-Match: "«hex16»" ¦ Te: trailers ¦ @2020 Sec-Fetch-Site: same-origin
  ¦ @2020 Sec-Fetch-Mode: «=cors~navigate~no-cors» ¦ @2021 Sec-Fetch-Dest: empty ¦ Keep-Alive: «int»
  ¦ X-«coined|cap»: «rand» ¦ Range: bytes=0-«int»
attack_header := *4 User-Agent ¦ *3 Referer ¦ *3 X-Forwarded-For ¦ @2021 *2 X-Api-Version ¦ Accept-Language
  ¦ Authorization ¦ X-Forwarded-Host ¦ X-Client-IP ¦ X-Real-IP ¦ Origin ¦ If-Modified-Since ¦ X-Requested-With ¦ Accept
  ¦ X-«coined|cap» ¦ From ¦ Via ¦ X-Original-URL ¦ Content-Type ¦ Location ¦ X-Auth-Token ¦ Forwarded ¦ True-Client-IP
  ¦ X-Wap-Profile ¦ Client-IP ¦ Host-Override ¦ @2022 spring.cloud.function.routing-expression ¦ X-Request-Id
  ¦ SOAPAction ¦ cmd ¦ CF-Connecting-IP ¦ Destination ¦ X-HTTP-Host-Override ¦ Warning ¦ TE ¦ Cache-Control
first := *2 GET «landing» HTTP/1.1 ¦ GET / HTTP/1.1
  ¦ *3 POST «login_path» HTTP/1.1¶Content-Type: application/x-www-form-urlencoded¶¶«login_body»
  ¦ POST /api/«=login~auth~auth/login~session~v1/login~token» HTTP/1.1¶Content-Type: application/json¶¶{"«=username~user~email~login»":"«coined»","password":"«rand»"}
  ¦ GET /«$slug»/«word» HTTP/1.1 ¦ GET /api/csrf HTTP/1.1 ¦ GET /wp-admin/admin.php?page=«$slug» HTTP/1.1
  ¦ POST /«word»/«word».php HTTP/1.1¶Content-Type: application/x-www-form-urlencoded¶¶«name»=«rand»&«name»=«int»
  ¦ GET /«word».«=css~js~png~html» HTTP/1.1
  ¦ PUT /«word»/«rand» HTTP/1.1¶Content-Type: application/json¶¶{"«name»":"«rand»"}
landing := /login ¦ /«$slug»/ ¦ /index.php ¦ /«word» ¦ /wp-login.php ¦ /user/login ¦ /«$slug»/login.jsp ¦ /admin/
  ¦ /«word»/«word»/ ¦ /«word».php?«name»=«int»
login_path := /login ¦ /login.php ¦ /wp-login.php ¦ /«$slug»/login ¦ /admin/login.php ¦ /user/login ¦ /j_security_check
  ¦ /«$slug»/j_spring_security_check ¦ /index.php ¦ /signin ¦ /cgi-bin/login.cgi ¦ /Account/Login ¦ /admin/index.php
login_body := username=«coined»&password=«rand» ¦ log=«coined»&pwd=«rand»&wp-submit=Log+In&testcookie=1
  ¦ user=«coined»&pass=«rand»&submit=Login ¦ email=«coined»%40«coined».test&password=«rand»
  ¦ _token=«b40»&username=«coined»&password=«rand» ¦ j_username=«coined»&j_password=«rand»
  ¦ uname=«coined»&upass=«rand»&lang=en
after := GET /uploads/«$shell» HTTP/1.1 ¦ GET /«$slug»/uploads/«$shell» HTTP/1.1
  ¦ GET /wp-content/uploads/«$year»/0«small»/«$shell» HTTP/1.1
  ¦ GET /«$shell»?«ab»=«=id~whoami~phpinfo();~ls~ver» HTTP/1.1 ¦ GET /files/«$shell» HTTP/1.1
  ¦ GET /images/«$shell» HTTP/1.1 ¦ GET /tmp/«$shell» HTTP/1.1
  ¦ POST /upload/«$shell» HTTP/1.1¶Content-Type: application/x-www-form-urlencoded¶¶«ab»=«unix_bin»
  ¦ GET /userfiles/image/«$shell» HTTP/1.1 ¦ GET /assets/uploads/«$shell» HTTP/1.1
second := GET / HTTP/1.1 ¦ GET /«word» HTTP/1.1 ¦ GET /«$slug»/«word»?«name»=«int» HTTP/1.1
  ¦ POST /«word» HTTP/1.1¶Content-Type: application/x-www-form-urlencoded¶¶«name»=«rand»
boundary := *2 ----WebKitFormBoundary«rand20» ¦ ---------------------------«big»«big»«int» ¦ «hex32»
  ¦ ----------«rand20» ¦ boundary«int» ¦ --«rand20» ¦ a«hex16» ¦ ------------------------«hex16»
"""  # noqa: E501
