# Manifest of the module; see Watari.HyperV.psm1.
@{
    RootModule        = 'Watari.HyperV.psm1'
    ModuleVersion     = '0.1.0'
    GUID              = '6f3c5a3e-9d0b-4f6e-8a57-2f1f5d0c7b42'
    Author            = 'watari'
    Copyright         = 'MIT'
    Description       = 'Prepares nodes of a Hyper-V workgroup cluster and live-migrates its virtual machines.'
    PowerShellVersion = '5.1'
    FunctionsToExport = @(
        'Add-WatariRole'
        'Get-WatariCluster'
        'Get-WatariEvent'
        'Get-WatariFeature'
        'Get-WatariHost'
        'Get-WatariMigrationSetting'
        'Get-WatariNetwork'
        'Get-WatariNode'
        'Get-WatariRole'
        'Get-WatariService'
        'Get-WatariSharedVolume'
        'Get-WatariShell'
        'Get-WatariSwitch'
        'Get-WatariVM'
        'Install-WatariFeature'
        'Invoke-WatariOperation'
        'New-WatariVM'
        'Remove-WatariRole'
        'Remove-WatariVM'
        'Restart-WatariNode'
        'Resume-WatariNode'
        'Set-WatariCluster'
        'Set-WatariMigrationSetting'
        'Start-WatariMove'
        'Start-WatariRole'
        'Stop-WatariMove'
        'Stop-WatariRole'
        'Suspend-WatariNode'
        'Test-WatariDiskFile'
    )
    CmdletsToExport   = @()
    VariablesToExport = @()
    AliasesToExport   = @()
}
